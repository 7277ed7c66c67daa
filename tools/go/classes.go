// classes prints what Go really sets aside: the size classes of this Go, then for sizes 1..limit the
// bytes that a []byte of that size gets when it is grown from nothing.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
)

func main() {
	limit, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	for _, class := range stats.BySize[1:] {
		fmt.Println("class", class.Size)
	}
	from := make([]byte, limit)
	for size := 1; size <= limit; size++ {
		fmt.Println("roundup", size, cap(append([]byte(nil), from[:size]...)))
	}
}
