/* plugin_host.c - a C program that loads a C++ plugin for itself alone.  `plugin_host PLUGIN` */
#define _GNU_SOURCE
#include "shim_test.h"

#include <dlfcn.h>

static const char *plugin_path;

CASE(the_plugin_throws_and_catches)
{
    CHECK(dlsym(RTLD_DEFAULT, "_ZSt15get_new_handlerv") == NULL);
    void *plugin = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
    CHECK_MSG(plugin != NULL, "%s", dlerror());
    if (plugin == NULL) return;
    void *p = dlsym(plugin, "plugin_run");
    int (*run)(size_t);
    memcpy(&run, &p, sizeof run);
    int status = run((size_t)PTRDIFF_MAX);
    CHECK_MSG(status == 0, "step %d", status);
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    plugin_path = argv[1];
    return shim_main("plugin_host", 1, argv);
}
