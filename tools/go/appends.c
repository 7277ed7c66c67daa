/* appends.c - compares appends that a Go program made (appends.go, on standard input) with what
 * bosk says of that version and architecture.  Prints the number of mismatches; 1 if there are any,
 * 2 if the input makes no sense. */
#include <bosk/growth.h>
#include <stdio.h>

int main(void)
{
    char line[256], version[32], arch_name[16];
    unsigned minor, noscan, cases = 0, grown = 0, wrong = 0;
    unsigned long long size;
    long long len, cap, more, want;
    bosk_arch arch;

    if (fgets(line, sizeof line, stdin) == NULL ||
        sscanf(line, "%31s %15s", version, arch_name) != 2 ||
        sscanf(version, "go1.%u", &minor) != 1 || bosk_arch_parse(arch_name, &arch) != 0)
        return 2;
    const bosk_growth *rule = bosk_growth_go(minor);
    if (rule == NULL) return 2;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "%llu %u %lld %lld %lld %lld", &size, &noscan, &len, &cap, &more, &want) !=
            6)
            return 2;
        long long got = cap;
        if (len + more > cap) {
            got = bosk_nextcap_len(rule, arch, size, noscan != 0, len, cap, len + more);
            grown++;
        }
        cases++;
        if (got != want && wrong++ < 20)
            printf("size %llu, len %lld, cap %lld, %lld more: %lld, Go says %lld\n", size, len, cap,
                   more, got, want);
    }
    printf("%s %s: %u cases, %u of them grow, %u mismatches\n", version, arch_name, cases, grown,
           wrong);
    return wrong != 0 || cases == 0 || grown < cases / 4;
}
