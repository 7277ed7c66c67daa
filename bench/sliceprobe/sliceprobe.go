// sliceprobe.go - Go's slices and sync.Pool by the work and the rows of sliceprobe.c.
//
// CPU time is that of the process, so the collector's is in it.  Before each row a collection takes
// away what earlier rows have left, outside the clock.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

type triple struct{ a, b, c int64 }
type object struct{ bytes [64]byte }

var (
	sinkInts    []int64
	sinkTriples []triple
	label       string
	workDiv     = 1
	pool        = sync.Pool{New: func() any { return new(object) }}
)

const clockProcessCPU = 2

func cpuNs() float64 {
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockProcessCPU, uintptr(unsafe.Pointer(&t)), 0)
	return float64(t.Sec)*1e9 + float64(t.Nsec)
}

//go:noinline
func push(n int) {
	var v []int64
	for i := 0; i < n; i++ {
		v = append(v, int64(i))
	}
	sinkInts = v
}

//go:noinline
func pushTriple(n int) {
	var v []triple
	for i := 0; i < n; i++ {
		v = append(v, triple{int64(i), int64(i), 1})
	}
	sinkTriples = v
}

var from [64]int64

//go:noinline
func pushBulk(n int) {
	var v []int64
	for i := 0; i+64 <= n; i += 64 {
		v = append(v, from[:]...)
	}
	sinkInts = v
}

var inHand []int64

//go:noinline
func fill(n int) {
	v := inHand[:0]
	for i := 0; i < n; i++ {
		v = append(v, int64(i))
	}
	inHand = v
}

//go:noinline
func makeLen(times int) {
	for i := 0; i < times; i++ {
		sinkInts = make([]int64, 100)
	}
}

//go:noinline
func makeCap(times int) {
	for i := 0; i < times; i++ {
		sinkInts = make([]int64, 0, 100)
	}
}

//go:noinline
func pairs(times int) {
	for i := 0; i < times; i++ {
		o := pool.Get().(*object)
		o.bytes[0]++
		pool.Put(o)
	}
}

type chunks struct {
	wall, cpu []float64
	first     float64
	ops       float64
	faults    int64
	w0        time.Time
	c0        float64
}

func minorFaults() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return int64(u.Minflt)
}

func begin() *chunks {
	sinkInts, sinkTriples = nil, nil
	runtime.GC()
	return &chunks{faults: minorFaults()}
}

func (c *chunks) start() {
	c.c0 = cpuNs()
	c.w0 = time.Now()
}

func (c *chunks) stop(ops float64) {
	wall := float64(time.Since(c.w0).Nanoseconds())
	cpu := cpuNs() - c.c0
	c.ops += ops
	c.wall = append(c.wall, wall/ops)
	c.cpu = append(c.cpu, cpu/ops)
}

func (c *chunks) stopFirst(ops float64) {
	c.first = float64(time.Since(c.w0).Nanoseconds()) / ops
	c.ops += ops
}

func (c *chunks) row(test, param string) {
	faults := float64(minorFaults()-c.faults) / c.ops
	sum := 0.0
	for _, w := range c.wall {
		sum += w
	}
	first := c.first
	if first == 0 {
		first = c.wall[0]
	}
	sort.Float64s(c.wall)
	sort.Float64s(c.cpu)
	n := len(c.wall)
	fmt.Printf("%s,thr,%s,%s,%d,%.3f,%.3f,%.3f,,,,,,,,,0.000,%.3f,%.3f,%.6f\n", label, test, param,
		n, c.wall[0], c.wall[n/2], sum/float64(n), first, c.cpu[n/2], faults)
}

var lengths = []struct{ n, chunks, perChunk int }{
	{100, 15, 500000}, {10000, 15, 500000}, {1000000, 5, 2000000}, {100000000, 1, 0}}

func throughput(test string, work func(int), k, unit int) {
	n, count, runs := lengths[k].n, lengths[k].chunks, lengths[k].perChunk/lengths[k].n
	done := float64(n / unit * unit)
	longest := k == len(lengths)-1
	if runs == 0 {
		runs = 1
	}
	c := begin()
	if !longest {
		count /= workDiv
		if count < 5 { // a median needs some
			count = 5
		}
		c.start()
		work(n)
		c.stopFirst(done)
	}
	for i := 0; i < count; i++ {
		c.start()
		for r := 0; r < runs; r++ {
			work(n)
		}
		c.stop(done * float64(runs))
	}
	c.row(test, fmt.Sprint(n))
}

func lengthsUpTo(test string, work func(int), unit int) {
	for k := 0; k < len(lengths)-1; k++ {
		throughput(test, work, k, unit)
	}
}

func repeated(test, param string, work func(int), times int) {
	c := begin()
	c.start()
	work(1)
	c.stopFirst(1)
	for i := 0; i < 20/workDiv; i++ {
		c.start()
		work(times)
		c.stop(float64(times))
	}
	c.row(test, param)
}

// Only an append that grows can take long, so only those are timed.
func stalls() {
	const n = 100000000
	var v []int64
	longest := time.Duration(0)
	for i := 0; i < n; i++ {
		if len(v) < cap(v) {
			v = append(v, int64(i))
			continue
		}
		t := time.Now()
		v = append(v, int64(i))
		d := time.Since(t)
		if d > longest {
			longest = d
		}
		if d > 3*time.Microsecond {
			fmt.Printf("%s,stall,stalls,%d,,,,,,,,,,%d,,,,,,\n", label, i, d.Nanoseconds())
		}
	}
	sinkInts = v
	fmt.Printf("%s,raw,stalls,-,,,,,,,,,,%d,,,,,,\n", label, longest.Nanoseconds())
}

func main() {
	only := flag.String("t", "", "tests, comma-separated")
	flag.StringVar(&label, "l", "go", "text of the first column")
	kinds := flag.String("k", "thr,lat", "kinds of row")
	quick := flag.Bool("q", false, "a quarter of the work")
	flag.Parse()
	if *quick {
		workDiv = 4
	}
	tests := []struct {
		name, kind string
		run        func()
	}{
		{"push", "thr", func() { lengthsUpTo("push", push, 1) }},
		{"longest", "thr", func() { throughput("longest", push, len(lengths)-1, 1) }},
		{"triple", "thr", func() { lengthsUpTo("triple", pushTriple, 1) }},
		{"bulk", "thr", func() {
			lengthsUpTo("bulk", pushBulk, 64)
			throughput("bulk", pushBulk, len(lengths)-1, 64)
		}},
		{"append", "thr", func() { lengthsUpTo("append", push, 1) }},
		{"fill", "thr", func() {
			for k := 0; k < len(lengths)-1; k++ {
				inHand = make([]int64, 0, lengths[k].n)
				throughput("fill", fill, k, 1)
			}
			inHand = nil
		}},
		{"make", "thr", func() {
			repeated("make", "len", makeLen, 25000)
			repeated("make", "cap", makeCap, 25000)
		}},
		{"pool", "thr", func() { repeated("pool", "64", pairs, 100000) }},
		{"stalls", "lat", stalls},
	}
	known := 0
	for _, t := range tests {
		for _, name := range strings.Split(*only, ",") {
			if name == t.name {
				known++
			}
		}
	}
	if flag.NArg() != 0 || (*only != "" && known != len(strings.Split(*only, ","))) {
		fmt.Fprintln(os.Stderr, "usage: sliceprobe-go [-q] [-l LABEL] [-t TEST[,TEST]] [-k thr,lat]")
		os.Exit(2)
	}
	fmt.Println("alloc,kind,test,param,n,ns_min,ns_med,ns_mean,p50,p90,p99,p99.9,p99.99,max," +
		"rss_kb,live_kb,extra,ns_first,cpu_med,faults")
	for _, t := range tests {
		if *only != "" && !strings.Contains(","+*only+",", ","+t.name+",") {
			continue
		}
		if strings.Contains(*kinds, t.kind) {
			t.run()
		}
	}
}
