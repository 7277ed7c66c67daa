/* EXPECT: incompatible type|invalid initializer|cannot convert|no viable|no matching|initializ */
#include <bosk/map.h>
typedef BOSK_MAP(bosk_str, int) map;
int f(map m);
int f(map m) { return bosk_get(m, 3); }
