/* conf_options.h - every key of BOSK_CONF, once.
 *
 * OPTION(key, kind, field, live, value, help): `field` of struct boski_conf, `kind` one of BYTES,
 * NUMBER (64 bits), MS (32 bits), FLAG, THP, PATH, or WORD: true when the value is the word given
 * in `word`.  "live" keys may change through BOSK_CONF_FILE while the process runs.
 * The manual page is made from this list, so `help` is a sentence for users.
 */
#ifndef OPTION
#error "define OPTION(key, kind, field, live, word, help) before including conf_options.h"
#endif

OPTION(reserve, BYTES, reserve, 0, "",
       "Address space to reserve; 0 chooses, 1 uses separate arenas.")
OPTION(os_page, BYTES, os_page, 0, "", "Behave as on a system with pages of this size (for tests).")
OPTION(memlimit, BYTES, memlimit, 1, "", "Soft memory limit, as BOSK_MEMLIMIT.")
OPTION(sample, BYTES, sample, 0, "", "Mean distance between samples; 0 adapts.")
OPTION(failos, NUMBER, failos, 0, "", "Fail the n-th request to the system, once (for tests).")
OPTION(mapseed, NUMBER, mapseed, 0, "", "Seed of every map, for measurements that must repeat.")
OPTION(scavenge_window, MS, scavenge_window_ms, 1, "",
       "Milliseconds that free memory stays resident before it is given back.")
OPTION(hardlimit, FLAG, memlimit_hard, 0, "", "Fail requests beyond the memory limit.")
OPTION(check, FLAG, check, 0, "",
       "Check every free at once; what an arena freed is out of reach for a while.")
OPTION(quarantine, BYTES, quarantine, 0, "",
       "Let this much of freed memory wait, overwritten, and look whether it was written to; "
       "implies check=1.")
OPTION(guard, FLAG, guard, 0, "",
       "Follow each block above 32 KiB by a page without access, and give it back when freed.")
OPTION(hugetlb, BYTES, hugetlb, 0, "",
       "Serve blocks from this size on by explicit huge pages while the system has some; 0: never.")
OPTION(profile, WORD, small, 0, "small", "small: small caches and eager release.")
OPTION(scavenger, WORD, scavenger_thread, 0, "thread",
       "thread: give memory back from a thread of its own.")
OPTION(thp, THP, thp, 0, "", "Transparent huge pages: 1 asks for them, -1 refuses them.")
OPTION(zerotail, FLAG, zerotail, 0, "", "Zero the unused tail of slices, as Go does.")
OPTION(home, WORD, home_collected, 0, "collected",
       "collected: containers live in the collected heap.")
OPTION(gctrace, FLAG, gctrace, 0, "", "A line for each collection, as GODEBUG=gctrace=1 gives.")
OPTION(gccheckmark, FLAG, gccheckmark, 0, "",
       "Mark a second time in another way and compare (slow).")
OPTION(gcverify, WORD, gcverify_manual, 0, "manual",
       "manual: report memory of malloc that points to objects about to be collected, "
       "and poison them.")
OPTION(gcstress, NUMBER, gcstress, 0, "", "Collect at every n-th allocation.")
OPTION(gcpoison, FLAG, gcpoison, 0, "", "Overwrite collected objects.")
OPTION(verbose, FLAG, verbose, 0, "", "Say in one line at start what was chosen.")
OPTION(record, PATH, record, 0, "", "Page to record into; set by bosk run.")

#undef OPTION
