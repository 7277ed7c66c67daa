//go:build shape1

package main

type K = uint64

const shuffle = true

func key(i uint64) K { return mix(i) }
