// Strings, numbers and runes as Go has them, one case a line:
//
//	op TAB argument TAB ... TAB result
//
// Arguments and results are hexadecimal bytes, except small numbers.  The cases are every operation
// on hand-made inputs and on -n random ones from -seed.  tests/unit/strings_golden_test.c asks bosk.
package main

import (
	"bufio"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var out = bufio.NewWriter(os.Stdout)

func h(s string) string { return "x" + hex.EncodeToString([]byte(s)) }

func row(op string, result string, args ...interface{}) {
	fmt.Fprint(out, op)
	for _, a := range args {
		if s, ok := a.(string); ok {
			fmt.Fprint(out, "\t", h(s))
		} else {
			fmt.Fprint(out, "\t", a)
		}
	}
	fmt.Fprint(out, "\t", h(result), "\n")
}

func why(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// ParseInt of a text that is an argument of a later row says what it was asked for itself.
func parseInt(s string, base, bits int) {
	i, err := strconv.ParseInt(s, base, bits)
	row("parse_int", fmt.Sprint(i, " ", why(err)), s, base, bits)
	u, err := strconv.ParseUint(s, base, bits)
	row("parse_uint", fmt.Sprint(u, " ", why(err)), s, base, bits)
	if base == 10 && bits == 64 {
		b, err := strconv.ParseBool(s)
		row("parse_bool", fmt.Sprint(b, " ", why(err)), s)
	}
}

func parseFloat(s string) {
	for _, bits := range []int{32, 64} {
		f, err := strconv.ParseFloat(s, bits)
		row("parse_float", fmt.Sprintf("%016x %s", math.Float64bits(f)&sign(f), why(err)), s, bits)
	}
}

// Which NaN it is is nobody's business.
func sign(f float64) uint64 {
	if f != f {
		return 0x7ff0000000000000
	}
	return math.MaxUint64
}

func formatFloat(f float64, format byte, prec, bits int) {
	row("format_float", strconv.FormatFloat(f, format, prec, bits), fmt.Sprintf("%016x", math.Float64bits(f)),
		string(format), prec, bits)
}

func text(s, t string, n int) {
	row("index", fmt.Sprint(strings.Index(s, t)), s, t)
	row("last_index", fmt.Sprint(strings.LastIndex(s, t)), s, t)
	row("index_any", fmt.Sprint(strings.IndexAny(s, t)), s, t)
	row("last_index_any", fmt.Sprint(strings.LastIndexAny(s, t)), s, t)
	row("count", fmt.Sprint(strings.Count(s, t)), s, t)
	row("trim", strings.Trim(s, t), s, t)
	row("trim_left", strings.TrimLeft(s, t), s, t)
	row("trim_right", strings.TrimRight(s, t), s, t)
	row("trim_prefix", strings.TrimPrefix(s, t), s, t)
	row("trim_suffix", strings.TrimSuffix(s, t), s, t)
	row("equal_fold", fmt.Sprint(strings.EqualFold(s, t)), s, t)
	row("compare", fmt.Sprint(strings.Compare(s, t)), s, t)
	// Old versions put U+FFFD for bytes that are no UTF-8 when they split behind each rune.
	if t != "" || utf8.ValidString(s) {
		row("split", strings.Join(strings.SplitN(s, t, n), "|"), s, t, n)
		row("split_after", strings.Join(strings.SplitAfterN(s, t, n), "|"), s, t, n)
	}
	row("replace", strings.Replace(s, t, "<>", n), s, t, n)
	row("to_valid_utf8", strings.ToValidUTF8(s, t), s, t)
}

func one(s string) {
	row("trim_space", strings.TrimSpace(s), s)
	row("fields", strings.Join(strings.Fields(s), "|"), s)
	row("to_upper", strings.ToUpper(s), s)
	row("to_lower", strings.ToLower(s), s)
	row("runes", fmt.Sprint([]rune(s)), s)
	row("quote", strconv.Quote(s), s)
	row("quote_ascii", strconv.QuoteToASCII(s), s)
	u, err := strconv.Unquote(s)
	row("unquote", fmt.Sprint(err == nil, " ", u), s)
	u, err = strconv.Unquote(strconv.Quote(s))
	row("unquote", fmt.Sprint(err == nil, " ", u), strconv.Quote(s))
	r, n := utf8.DecodeLastRuneInString(s)
	row("decode_last", fmt.Sprint(r, " ", n, " ", utf8.FullRuneInString(s)), s)
}

// Not for every rune of a newer Unicode: what was unassigned in this Go's may have become a letter.
func runes(every bool) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		class := words(unicode.IsLetter(r), unicode.IsUpper(r), unicode.IsLower(r), unicode.IsDigit(r),
			unicode.IsPunct(r), unicode.IsPrint(r), unicode.IsSpace(r), unicode.ToUpper(r), unicode.ToLower(r))
		if known(r) && (every || r < 0x250 || r == 0x1e9e || r == 0x212a || r == 0x10400) {
			fold := r
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				if f < fold {
					fold = f
				}
			}
			row("rune", class+fmt.Sprint(" ", fold), int(r))
		}
	}
}

func words(of ...interface{}) string {
	s := fmt.Sprintln(of...)
	return s[:len(s)-1]
}

func known(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc, unicode.Cf)
}

const letters = "aAbBkKsSzZ019 \t\n._-+\"\\'`éÉßſKσςΣıİ�😀\u2028\u00a0\x00\x7f"

func randomText(r *rand.Rand, max int) string {
	var b strings.Builder
	for n := r.Intn(max + 1); n > 0; n-- {
		switch r.Intn(12) {
		case 0:
			b.WriteByte(byte(r.Intn(256)))
		case 1:
			for {
				if c := rune(r.Intn(0x3000)); known(c) {
					b.WriteRune(c)
					break
				}
			}
		case 2:
			b.WriteString("\\" + []string{"n", "x41", "u00e9", "U0001f600", "101", "\"", "'", "q", "ud800"}[r.Intn(9)])
		default:
			l := []rune(letters)
			b.WriteRune(l[r.Intn(len(l))])
		}
	}
	return b.String()
}

func randomNumber(r *rand.Rand) string {
	s := []string{"", "", "-", "+"}[r.Intn(4)] + []string{"", "", "", "0x", "0b", "0o", "0"}[r.Intn(7)]
	for n := r.Intn(24); n >= 0; n-- {
		s += string("0123456789abcdef_."[r.Intn([]int{2, 10, 10, 10, 16, 17, 18}[r.Intn(7)])])
	}
	switch r.Intn(4) {
	case 0:
		s += fmt.Sprintf("e%d", r.Intn(660)-340)
	case 1:
		s += fmt.Sprintf("p%+d", r.Intn(2200)-1100)
	}
	return s
}

// Around a number and halfway to its neighbours, as decimals of all lengths.
func hard(r *rand.Rand) string {
	f := math.Float64frombits(r.Uint64() & math.MaxInt64)
	if f != f || f > math.MaxFloat64 {
		return "1"
	}
	low, high := f, math.Nextafter(f, math.Inf(1))
	if r.Intn(2) == 0 {
		low = float64(math.Float32frombits(r.Uint32() & math.MaxInt32 % 0x7f000000))
		high = float64(math.Nextafter32(float32(low), math.MaxFloat32))
	}
	mid := strconv.FormatFloat(low+(high-low)/2, 'e', r.Intn(30), 64)
	return mid
}

func main() {
	n := flag.Int("n", 60, "random cases of each kind")
	seed := flag.Int64("seed", 1, "of the random cases")
	all := flag.Bool("runes", false, "every rune")
	flag.Parse()
	r := rand.New(rand.NewSource(*seed))
	numbers := []string{"", "0", "-0", "+", "-", "1", "-1", "12345", "12a", "0x1F", "0X_1f", "0b101", "0o17", "017", "08",
		"1_000", "_1", "1_", "1__0", "0_7", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"-9223372036854775809", "18446744073709551615", "18446744073709551616", "99999999999999999999x", "127", "128",
		"-128", "-129", "255", "256", "zz", "ZZ", "true", "T", "tRUE", "False", "0", "é", " 1", "1 ", "a\"b"}
	for _, s := range numbers {
		for _, base := range []int{0, 1, 2, 8, 10, 16, 36, 37} {
			for _, bits := range []int{8, 64, 65} {
				parseInt(s, base, bits)
			}
		}
		parseFloat(s)
	}
	for _, s := range []string{"1.5", "1e23", ".5", "5.", ".", "1e", "1e+", "e1", "1.2.3", "inf", "-Inf", "+INFINITY", "infi",
		"nan", "NaN", "-nan", "1e309", "-1e309", "1e-400", "4.9e-324", "2.4703282292062327208e-324",
		"2.4703282292062328e-324", "1.7976931348623158e308", "1.7976931348623159e308", "3.4028235e38", "3.4028236e38",
		"0x1p-1074", "0x.8p-1074", "0x.80000001p-1074", "0x1.fffffffffffff8p1023", "0x1.fffffffffffff7p1023", "0x1p1024", "0x1", "0x1.8p1",
		"0x_1p4", "1_23.50_0_0e+1_2", "1e1_0", "0x1.fffffep127", "0x1.ffffffp127", "1e99999999999", "1e-99999999999", "0e99999999999",
		"9007199254740993", "9007199254740992.99999999999999999999999999999", "9007199254740993." + strings.Repeat("0", 900) + "1",
		strings.Repeat("0", 2000) + "1." + strings.Repeat("0", 2000), "0." + strings.Repeat("0", 400) + "1e401"} {
		parseFloat(s)
	}
	floats := []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 0.3, 1e21, 1e20, 123456789, 1e-5, 1e-4, 5e-324, math.MaxFloat64, math.MaxFloat32,
		math.SmallestNonzeroFloat32, math.Inf(1), math.Inf(-1), math.NaN(), 0.5, 1.5, 2.5, 999999.5, 9.5, 0.95, 1 << 53, 1.0 / 3, 100, 1e6,
		8.41e21, 9.0e-23, 2.2250738585072011e-308, math.Ldexp(1, -44), math.Ldexp(1, 300), math.Ldexp(1, -1022), 33554432}
	for i := 0; i < *n*2; i++ {
		floats = append(floats, math.Float64frombits(r.Uint64()), float64(math.Float32frombits(r.Uint32())),
			math.Ldexp(1, r.Intn(2100)-1074), float64(r.Intn(1000000))/1000)
	}
	for i, f := range floats {
		for k, format := range []byte("efgEGbxXv") {
			bits := []int{32, 64}[(i*3+k)%2]
			formatFloat(f, format, -1, bits)
			formatFloat(f, format, []int{0, 1, 2, 5, 6, 14, 17, 25}[(i+k)%8], bits^96)
		}
	}
	for i := 0; i < *n*4; i++ {
		v := int64(r.Uint64()) >> uint(r.Intn(64))
		base := 2 + r.Intn(35)
		row("format_int", strconv.FormatInt(v, base), fmt.Sprint(v), base)
		row("format_uint", strconv.FormatUint(uint64(v), base), fmt.Sprint(uint64(v)), base)
		row("format_int", strconv.Itoa(i), fmt.Sprint(i), 10)
		s := randomNumber(r)
		parseInt(s, []int{0, 0, 10, 16, 36}[r.Intn(5)], []int{1, 8, 16, 32, 64, 33}[r.Intn(6)]|64*(i%2))
		parseFloat(s)
		parseFloat(hard(r))
		parseFloat(strconv.FormatFloat(math.Float64frombits(r.Uint64()), 'e', r.Intn(20), 64))
	}
	texts := []string{"", "a", "hello, world", "  x y  ", "aXbX", "chicken", "\xff", "a\xc3", "\xe2\x82", "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\xf4\x90",
		"\"a\"", "`a\rb`", "'x'", "'é'", "''", "'ab'", "\"\\x4\"", "\"\\400\"", "\"\n\"", "\"\xff\"", "\"a", "ǅ", "K", "ſt", "\\\"", "🇨🇭", "\ufeff"}
	for i, s := range texts {
		one(s)
		for k, t := range texts {
			text(s, t, (i+k)%4-1)
		}
	}
	for i := 0; i < *n*2; i++ {
		s := randomText(r, 20)
		one(s)
		one("\"" + s + "\"")
		text(s, randomText(r, 3), r.Intn(5)-1)
		text(strings.ToLower(s), strings.ToUpper(s), -1)
	}
	runes(*all)
	out.Flush()
}
