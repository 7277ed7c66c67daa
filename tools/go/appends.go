// Random appends as Go does them, one a line:
//
//	element size, pointer-free (1 or 0), length, capacity, elements appended, capacity then
//
// The first line is the version and the architecture.  appends.c asks bosk for the same.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/bits"
	"math/rand"
	"os"
	"runtime"
	"unsafe"
)

type kind struct {
	size   int
	noscan int
	grow   func(len, cap, k int) int
}

//go:noinline
func grow[T any](s []T, more []T) int { return cap(append(s, more...)) }

//go:noinline
func one[T any](s []T) int {
	var zero T
	return cap(append(s, zero))
}

func of[T any](noscan int) kind {
	var zero T
	return kind{int(unsafe.Sizeof(zero)), noscan, func(len, cap, k int) int {
		s := make([]T, len, cap)
		if k == 1 {
			return one(s)
		}
		return grow(s, make([]T, k))
	}}
}

var kinds = []kind{
	of[bool](1), of[uint16](1), of[float32](1), of[int](1), of[complex128](1), of[string](0), of[[]int](0),
	of[interface{}](0), of[map[int]int](0), of[struct {
		a int32
		b *int
	}](0),
	of[[1]byte](1), of[[2]byte](1), of[[3]byte](1), of[[4]byte](1), of[[5]byte](1), of[[6]byte](1),
	of[[7]byte](1), of[[8]byte](1), of[[9]byte](1), of[[10]byte](1), of[[11]byte](1), of[[12]byte](1),
	of[[13]byte](1), of[[14]byte](1), of[[15]byte](1), of[[16]byte](1), of[[17]byte](1),
	of[[18]byte](1), of[[19]byte](1), of[[20]byte](1), of[[21]byte](1), of[[22]byte](1),
	of[[23]byte](1), of[[24]byte](1), of[[25]byte](1), of[[26]byte](1), of[[27]byte](1),
	of[[28]byte](1), of[[29]byte](1), of[[30]byte](1), of[[31]byte](1), of[[32]byte](1),
	of[[33]byte](1), of[[34]byte](1), of[[35]byte](1), of[[36]byte](1), of[[37]byte](1),
	of[[38]byte](1), of[[39]byte](1), of[[40]byte](1), of[[41]byte](1), of[[42]byte](1),
	of[[43]byte](1), of[[44]byte](1), of[[45]byte](1), of[[46]byte](1), of[[47]byte](1),
	of[[48]byte](1), of[[49]byte](1), of[[50]byte](1), of[[51]byte](1), of[[52]byte](1),
	of[[53]byte](1), of[[54]byte](1), of[[55]byte](1), of[[56]byte](1), of[[57]byte](1),
	of[[58]byte](1), of[[59]byte](1), of[[60]byte](1), of[[61]byte](1), of[[62]byte](1),
	of[[63]byte](1), of[[64]byte](1), of[[65]byte](1), of[[72]byte](1), of[[80]byte](1),
	of[[96]byte](1), of[[100]byte](1), of[[104]byte](1), of[[112]byte](1), of[[120]byte](1),
	of[[127]byte](1), of[[128]byte](1), of[[129]byte](1), of[[136]byte](1), of[[144]byte](1),
	of[[160]byte](1), of[[192]byte](1), of[[200]byte](1), of[[208]byte](1), of[[224]byte](1),
	of[[255]byte](1), of[[256]byte](1), of[[257]byte](1), of[[288]byte](1), of[[320]byte](1),
	of[[384]byte](1), of[[416]byte](1), of[[480]byte](1), of[[512]byte](1), of[[513]byte](1),
	of[[576]byte](1), of[[640]byte](1), of[[704]byte](1), of[[768]byte](1), of[[896]byte](1),
	of[[1000]byte](1), of[[1024]byte](1), of[[1152]byte](1), of[[1280]byte](1), of[[1408]byte](1),
	of[[1536]byte](1), of[[1792]byte](1), of[[2048]byte](1), of[[2304]byte](1), of[[2688]byte](1),
	of[[3000]byte](1), of[[3072]byte](1), of[[3200]byte](1), of[[4096]byte](1), of[[4864]byte](1),
	of[[5376]byte](1), of[[6144]byte](1), of[[8192]byte](1), of[[9472]byte](1), of[[10000]byte](1),
	of[[16384]byte](1), of[[32768]byte](1), of[[32769]byte](1), of[[40000]byte](1), of[[1]*int](0),
	of[[2]*int](0), of[[3]*int](0), of[[4]*int](0), of[[5]*int](0), of[[6]*int](0), of[[7]*int](0),
	of[[8]*int](0), of[[9]*int](0), of[[10]*int](0), of[[11]*int](0), of[[12]*int](0), of[[13]*int](0),
	of[[14]*int](0), of[[15]*int](0), of[[16]*int](0), of[[17]*int](0), of[[18]*int](0),
	of[[19]*int](0), of[[20]*int](0), of[[21]*int](0), of[[22]*int](0), of[[23]*int](0),
	of[[24]*int](0), of[[25]*int](0), of[[26]*int](0), of[[27]*int](0), of[[28]*int](0),
	of[[29]*int](0), of[[30]*int](0), of[[31]*int](0), of[[32]*int](0), of[[33]*int](0),
	of[[40]*int](0), of[[48]*int](0), of[[50]*int](0), of[[64]*int](0), of[[65]*int](0),
	of[[96]*int](0), of[[100]*int](0), of[[125]*int](0), of[[128]*int](0), of[[129]*int](0),
	of[[250]*int](0), of[[256]*int](0), of[[512]*int](0), of[[1000]*int](0), of[[1024]*int](0),
	of[[4096]*int](0),
}

// Up to a number of about as many bits as there are, each number of bits as likely.
func upTo(r *rand.Rand, n int) int {
	if n <= 0 {
		return 0
	}
	return r.Intn(1<<uint(r.Intn(bits.Len(uint(n))))) % (n + 1)
}

func main() {
	n := flag.Int("n", 10000, "cases")
	seed := flag.Int64("seed", 1, "of the cases")
	bytes := flag.Int("bytes", 4<<20, "at most in one array")
	flag.Parse()
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	r := rand.New(rand.NewSource(*seed))
	fmt.Fprintln(out, runtime.Version(), runtime.GOARCH)
	for i := 0; i < *n; i++ {
		k := kinds[r.Intn(len(kinds))]
		most := *bytes / k.size
		capacity := upTo(r, most)
		length := capacity
		if r.Intn(2) == 0 {
			length -= upTo(r, capacity)
		}
		more := 1
		if r.Intn(2) == 0 {
			more = upTo(r, most)
		}
		fmt.Fprintln(out, k.size, k.noscan, length, capacity, more, k.grow(length, capacity, more))
	}
}
