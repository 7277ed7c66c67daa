// kinds.go - the Go side of kinds.c.
package main

import (
	"fmt"
	"sync"
)

type buffer struct {
	uses int
	text [4096]byte
}

var made int

var buffers = sync.Pool{New: func() any { made++; return new(buffer) }}

func describe(v any) {
	switch x := v.(type) {
	case int:
		fmt.Printf("int %d\n", x)
	case float64:
		fmt.Printf("float %g\n", x)
	case string:
		fmt.Printf("string %s\n", x)
	case nil:
		fmt.Printf("nil\n")
	default:
		fmt.Printf("something else\n")
	}
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func main() {
	values := []any{42, 1.5, "gopher", nil, byte('c')}
	for i := 0; i < 5; i++ {
		describe(values[i])
	}

	n, ok := values[0].(int)
	fmt.Printf("%d %d\n", n, number(ok))
	n, ok = values[1].(int)
	fmt.Printf("%d %d\n", n, number(ok))
	fmt.Printf("%d %d\n", number(values[0] == any(42)), number(values[0] == values[1]))

	uses := 0
	for i := 0; i < 100; i++ {
		b := buffers.Get().(*buffer)
		b.uses++
		uses = b.uses
		buffers.Put(b)
	}
	fmt.Printf("%d made, used %d times\n", made, uses)
}
