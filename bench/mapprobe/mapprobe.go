// Go's map, the workload of work.h; -tags shape1 or shape3.  Memory is measured after a collection
// and before one; CPU time includes the collector's.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

func cpu() int64 {
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 2, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb
	return x ^ (x >> 31)
}
func kb(name string) float64 {
	b, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(line, name) {
			v, _ := strconv.ParseFloat(strings.Fields(line)[1], 64)
			return v
		}
	}
	return 0
}
func tell(row string, n int, v float64) { fmt.Printf("%s %d %.3f\n", row, n, v) }

func keys(n int, first, span uint64) []K {
	k := make([]K, n)
	for j := range k {
		i := first + uint64(j)
		if span != 0 {
			i = first + mix(uint64(j)*7+3+first)%span
		}
		k[j] = key(i)
	}
	return k
}

var sink uint64

func full(n int) {
	rounds := 1
	if n < 1000000 {
		rounds = 2000000 / n
	} else if n < 2000000 {
		rounds = 2
	}
	q, churn := 1<<19, 300000
	if n >= 1000000 {
		q = 1 << 20
	}
	if n >= 10000000 {
		churn = 500000
	}
	k, x := keys(n, 0, 0), keys(churn, uint64(n), 0)
	there, notThere := keys(q, 0, uint64(n)), keys(q, 1<<30, 1<<29)
	debug.FreeOSMemory()
	before := kb("VmRSS:")
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	var grow, walk, room int64
	for r := 0; r < rounds; r++ {
		t := cpu()
		m := map[K]uint64{}
		for i := 0; i < n; i++ {
			m[k[i]] = uint64(i)
		}
		grow += cpu() - t
		if r == 0 && n >= 100000 {
			tell("bytes", n, (kb("VmRSS:")-before)*1024/float64(n))
			tell("peak", n, (kb("VmHWM:")-before)*1024/float64(n))
		}
		t = cpu()
		for _, v := range m {
			sink += v
		}
		walk += cpu() - t
	}
	tell("grow", n, float64(grow)/float64(n*rounds))
	tell("iterate", n, float64(walk)/float64(n*rounds))
	runtime.GC()
	var m map[K]uint64
	for r := 0; r < rounds; r++ {
		t := cpu()
		m = make(map[K]uint64, n)
		for i := 0; i < n; i++ {
			m[k[i]] = uint64(i)
		}
		room += cpu() - t
	}
	tell("reserved", n, float64(room)/float64(n*rounds))
	runtime.GC()
	var took int64
	for warm := 0; warm < 2; warm++ {
		t := cpu()
		for i := range there {
			if v, ok := m[there[i]]; ok {
				sink += v
			}
		}
		took = cpu() - t
	}
	tell("hit", n, float64(took)/float64(q))
	for warm := 0; warm < 2; warm++ {
		t := cpu()
		for i := range notThere {
			if v, ok := m[notThere[i]]; ok {
				sink += v
			}
		}
		took = cpu() - t
	}
	tell("miss", n, float64(took)/float64(q))
	d := 0
	t := cpu()
	for i := 0; i < q/4; i++ {
		v := m[there[(i+d)&(q-1)]]
		d = int(v >> 63)
		sink += v
	}
	tell("chain", n, float64(cpu()-t)/float64(q/4))
	t = cpu()
	for i := 0; i < churn; i++ {
		if i < n {
			delete(m, k[i])
		} else {
			delete(m, x[i-n])
		}
		m[x[i]] = uint64(i)
		sink += m[there[(i*2)&(q-1)]] + m[notThere[(i*2+1)&(q-1)]]
	}
	tell("mixed", n, float64(cpu()-t)/float64(churn*4))
	live := make([]K, n)
	for i := range live {
		if churn+i < n {
			live[i] = k[churn+i]
		} else {
			live[i] = x[churn+i-n]
		}
	}
	for i := n - 1; shuffle && i > 0; i-- {
		j := int(mix(uint64(i)) % uint64(i+1))
		live[i], live[j] = live[j], live[i]
	}
	t = cpu()
	for _, l := range live {
		delete(m, l)
	}
	if n >= 100000 {
		tell("erase", n, float64(cpu()-t)/float64(n))
	}
	if len(m) != 0 {
		panic("entries left")
	}
}

func main() {
	for _, a := range os.Args[2:] {
		f, _ := strconv.ParseFloat(a, 64)
		full(int(f))
	}
}
