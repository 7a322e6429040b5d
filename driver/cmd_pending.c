/* Commands of the contract that are not built yet: refused with a sentence. Each leaves this file when its own arrives.
 */
#include "driver/cmds.h"

static frit_status refuse(cx *c, const char *command) {
    return FAIL(c, UNSUPPORTED, NULL, "frit %s is not built yet", command);
}

frit_status cmd_compare(cx *c, const args *a) { return (void)a, refuse(c, "compare"); }
