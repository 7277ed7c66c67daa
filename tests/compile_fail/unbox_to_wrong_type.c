/* EXPECT: incompatible|could not convert|no viable conversion */
#include <bosk/any.h>
bosk_str f(bosk_any a) { return bosk_unbox(a, double); }
