//go:build shape3

package main

type K = string

const shuffle = false

func key(i uint64) K {
	a := mix(i)
	var b [16]byte
	for j := range b {
		b[j] = "0123456789abcdef"[a>>(j*4)&15]
	}
	return string(b[:])
}
