// The common tricks with slices; slices.c does the same with bosk, line for line.
package main

import "fmt"

type point struct{ x, y int }

func show(what string, s []int) { fmt.Printf("%s: len=%d cap=%d %v\n", what, len(s), cap(s), s) }

func main() {
	s := []int{1, 2, 3, 4, 5}
	show("literal", s)
	s = append(s, 6, 7)
	show("append", s)
	t := s[2:4]
	show("window", t)
	t[0] = 30 // seen through s as well
	t = append(t, 50)
	show("shared", s)
	u := append(s[:2:2], -3) // no capacity left: another array
	show("other array", u)
	show("untouched", s)

	even := s[:0] // keep some, in place
	for _, v := range s {
		if v%2 == 0 {
			even = append(even, v)
		}
	}
	show("even", even)

	d := make([]int, len(even))
	n := copy(d, even)
	fmt.Println("copied", n)
	d = append(d[:1], d[2:]...) // delete d[1]
	show("deleted", d)

	var points []point
	for i := 0; i < 3; i++ {
		points = append(points, point{i, i * i})
	}
	sum := 0
	for i, p := range points {
		sum += i * p.y
	}
	fmt.Println("sum", sum)
}
