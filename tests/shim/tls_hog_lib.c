/* tls_hog_lib.c - a library that takes 768 bytes of the room left for static thread-local
 * storage. */
static __thread char room[768] __attribute__((tls_model("initial-exec"))) = {1};

__attribute__((visibility("default"))) char *tls_hog_room(void);
char *tls_hog_room(void) { return room; }
