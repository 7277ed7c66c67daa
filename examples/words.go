// Words of a text, sorted and counted; words.c does the same with bosk, line for line.
package main

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

const text = `  The quick brown fox — "jumps", it says — over the lazy dog;
the dog, being LAZY, says: 42 times 3.5 is 147.  Naïve Ωmega.`

func main() {
	words := strings.Fields(strings.ToLower(text))
	for i := range words {
		words[i] = strings.Trim(words[i], `.,;:"—`)
	}
	sort.Strings(words)
	total := 0.0
	var b strings.Builder
	for i := 0; i < len(words); {
		j := i
		for j < len(words) && words[j] == words[i] {
			j++
		}
		if f, err := strconv.ParseFloat(words[i], 64); err == nil {
			total += f
		} else if words[i] != "" {
			b.WriteString(words[i] + "=" + strconv.Itoa(j-i) + " ")
		}
		i = j
	}
	fmt.Println(strings.TrimSpace(b.String()))
	fmt.Println("numbers:", strconv.FormatFloat(total, 'f', -1, 64))
	_, err := strconv.Atoi("12a")
	fmt.Println(err)
	for i, r := range "\u03a9\u212a" {
		fmt.Println(i, r, string(r), strings.EqualFold(string(r), "k"))
	}
}
