/* clifc: compiles CLIF, the text form of Cranelift's intermediate representation, to object files.
 *
 * A program makes options once, and compiles texts in memory with them:
 *
 *     clifc_options *options = clifc_options_new("x86_64");
 *     clifc_options_set(options, "opt_level", "speed");
 *     clifc_result *result = clifc_compile(options, "a.clif", text, strlen(text));
 *     if (clifc_result_ok(result)) {
 *         size_t length;
 *         const uint8_t *object = clifc_result_object(result, &length);
 *         ...
 *     }
 *     clifc_result_free(result);
 *     clifc_options_free(options);
 *
 * Threads may compile with the same options at the same time, as long as none changes or frees them. Texts are
 * NUL-terminated UTF-8. What a function returns belongs to the options or the result that it was given,
 * unless the function makes options or a result. No function throws an exception.
 */
#ifndef CLIFC_H
#define CLIFC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Options of compilations. */
typedef struct clifc_options clifc_options;

/* What a compilation gave: an object, or why there is none. */
typedef struct clifc_result clifc_result;

enum clifc_severity {
    /* The text can't be compiled. */
    CLIFC_ERROR = 0,
    /* The text was compiled, and is probably not what was meant. */
    CLIFC_WARNING = 1,
    /* The text can't be compiled because of a defect of clifc. */
    CLIFC_BUG = 2
};

/* A message about a place in the text. */
typedef struct clifc_message {
    /* One of enum clifc_severity. */
    int severity;
    /* Line and column, from 1, and offset in bytes. */
    size_t line;
    size_t column;
    size_t offset;
    /* What is wrong, in one line. */
    const char *text;
    /* What to do about it: a line each, or an empty text. */
    const char *notes;
} clifc_message;

/* Returns the version of clifc, as in "0.1.0". */
const char *clifc_version(void);

/* Makes options for a target: a triple, or x86_64, aarch64 or s390x for short; NULL is this machine. Returns
 * NULL for a target that clifc does not know. */
clifc_options *clifc_options_new(const char *target);

/* Frees options. NULL is nothing to free. */
void clifc_options_free(clifc_options *options);

/* Changes a setting: `clifc settings` lists names and values. Returns NULL, or why it can't be changed; that
 * text lives up to the next call with these options. */
const char *clifc_options_set(clifc_options *options, const char *name, const char *value);

/* Uses the instructions of a CPU: `clifc targets` lists them. Returns NULL, or why it can't. */
const char *clifc_options_cpu(clifc_options *options, const char *name);

/* Chooses outputs, and returns NULL, or why it can't:
 *
 *     debug              none (default), lines, full
 *     assembly           none (default), att, intel (on x86_64)
 *     function_sections  false (default), true
 *     data_sections      false (default), true
 */
const char *clifc_options_output(clifc_options *options, const char *kind, const char *value);

/* Compiles a text of `length` bytes in memory. The name is that of debug information and may be NULL. Never
 * returns NULL. */
clifc_result *clifc_compile(const clifc_options *options, const char *name, const char *text, size_t length);

/* Whether there is an object. */
bool clifc_result_ok(const clifc_result *result);

/* Returns the object file, and stores its size in bytes in `*length`; NULL and 0 if there is none. */
const uint8_t *clifc_result_object(const clifc_result *result, size_t *length);

/* Returns the assembly, which is empty if the options don't ask for it. */
const char *clifc_result_assembly(const clifc_result *result);

/* Returns the number of messages: all errors of the text, or all warnings. */
size_t clifc_result_message_count(const clifc_result *result);

/* Returns a message by its number, from 0; NULL if there is none. They are in the order of the text. */
const clifc_message *clifc_result_message(const clifc_result *result, size_t index);

/* Frees a result. NULL is nothing to free. */
void clifc_result_free(clifc_result *result);

#ifdef __cplusplus
}
#endif

#endif
