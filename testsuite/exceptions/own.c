// A personality in C that reads the tables of handlers: a handler takes an exception if its type, which is a
// number, is not less than the exception's value.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

int64_t sorts(int64_t), keeps_low(int64_t), takes_all(int64_t);

struct exception {
    struct _Unwind_Exception head;
    int64_t value;
};

static uint64_t uleb(const uint8_t **at) {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
}

static void expect(int is_so, const char *what) {
    if (!is_so) {
        printf("the table is wrong: %s\n", what);
        exit(1);
    }
}

// The type of a selector; null for all.
static const int64_t *type_of(const uint8_t *end, uint64_t selector) {
    const uint8_t *at = end - 4 * selector;
    int32_t distance;
    memcpy(&distance, at, 4);
    return distance ? *(const int64_t *const *)(at + distance) : 0;
}

_Unwind_Reason_Code own_personality(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
                                    struct _Unwind_Exception *thrown, struct _Unwind_Context *context) {
    (void)class;
    expect(version == 1, "version");
    const uint8_t *at = (const void *)_Unwind_GetLanguageSpecificData(context);
    uint64_t pc = _Unwind_GetIP(context) - 1 - _Unwind_GetRegionStart(context);
    int64_t value = ((struct exception *)thrown)->value;
    expect(*at++ == 0xff, "landing pads are relative to the function");
    expect(*at++ == 0x9b, "encoding of types");
    const uint8_t *types = at;
    uint64_t types_end = uleb(&types);
    types += types_end;
    at += 1;
    while (at[-1] >= 128)
        at++;
    expect((uintptr_t)types % 4 == 0, "alignment");
    expect(*at++ == 1, "encoding of call sites");
    uint64_t length = uleb(&at);
    const uint8_t *records = at + length;
    uint64_t pad = 0, action = 0;
    int found = 0;
    for (uint64_t end = 0; at < records;) {
        uint64_t start = uleb(&at), size = uleb(&at);
        uint64_t own_pad = uleb(&at), own_action = uleb(&at);
        expect(start == end, "call sites follow each other");
        end = start + size;
        if (start <= pc && pc < end)
            found = 1, pad = own_pad, action = own_action;
    }
    expect(found, "every call has a call site");
    int64_t selector = 0, cleanup = pad && !action;
    for (const uint8_t *record = records + action - 1; action;) {
        uint64_t own = uleb(&record);
        const int64_t *type = own ? type_of(types, own) : 0;
        if (!own)
            cleanup = 1;
        else if (!type || value <= *type) {
            selector = own;
            break;
        }
        if (!*record)
            break;
        record += *record;
    }
    if (!selector && !cleanup)
        return _URC_CONTINUE_UNWIND;
    if (actions & _UA_SEARCH_PHASE)
        return selector ? _URC_HANDLER_FOUND : _URC_CONTINUE_UNWIND;
    _Unwind_SetGR(context, __builtin_eh_return_data_regno(0), (uintptr_t)thrown);
    _Unwind_SetGR(context, __builtin_eh_return_data_regno(1), selector);
    _Unwind_SetIP(context, _Unwind_GetRegionStart(context) + pad);
    return _URC_INSTALL_CONTEXT;
}

// Raises numbers above 5.
int64_t raises(int64_t n) {
    if (n <= 5)
        return n + 1;
    struct exception *exception = calloc(1, sizeof *exception);
    exception->value = n;
    _Unwind_Reason_Code why = _Unwind_RaiseException(&exception->head);
    free(exception);
    expect(why == _URC_END_OF_STACK, "nothing takes it");
    return -1;
}

int64_t value_of(int64_t address) {
    struct exception *exception = (void *)(uintptr_t)address;
    int64_t value = exception->value;
    free(exception);
    return value;
}

void cleaned(int64_t n) {
    printf("cleaned %" PRId64 "\n", n);
}

int main(void) {
    for (int64_t n = 3; n < 20; n += 4) {
        printf("%" PRId64 ": %" PRId64, n, sorts(n));
        printf(", %" PRId64 "\n", n > 10 ? 0 : keeps_low(n));
        printf("%" PRId64 "\n", takes_all(n));
    }
    return 0;
}
