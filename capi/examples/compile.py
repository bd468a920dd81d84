"""Compiles a text by way of the shared library: compile.py LIBRARY OUTPUT < INPUT."""

import ctypes
import sys
from ctypes import POINTER, c_bool, c_char_p, c_int, c_size_t, c_void_p


class Message(ctypes.Structure):
    _fields_ = [
        ("severity", c_int),
        ("line", c_size_t),
        ("column", c_size_t),
        ("offset", c_size_t),
        ("text", c_char_p),
        ("notes", c_char_p),
    ]


def load(path):
    library = ctypes.CDLL(path)
    signatures = {
        "clifc_version": (c_char_p, []),
        "clifc_options_new": (c_void_p, [c_char_p]),
        "clifc_options_free": (None, [c_void_p]),
        "clifc_options_set": (c_char_p, [c_void_p, c_char_p, c_char_p]),
        "clifc_options_output": (c_char_p, [c_void_p, c_char_p, c_char_p]),
        "clifc_compile": (c_void_p, [c_void_p, c_char_p, c_char_p, c_size_t]),
        "clifc_result_ok": (c_bool, [c_void_p]),
        "clifc_result_object": (c_void_p, [c_void_p, POINTER(c_size_t)]),
        "clifc_result_assembly": (c_char_p, [c_void_p]),
        "clifc_result_message_count": (c_size_t, [c_void_p]),
        "clifc_result_message": (POINTER(Message), [c_void_p, c_size_t]),
        "clifc_result_free": (None, [c_void_p]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def main():
    clifc = load(sys.argv[1])
    text = sys.stdin.buffer.read()
    options = clifc.clifc_options_new(None)
    for wrong in (
        clifc.clifc_options_set(options, b"opt_level", b"speed"),
        clifc.clifc_options_output(options, b"assembly", b"att"),
    ):
        if wrong:
            sys.exit(wrong.decode())
    result = clifc.clifc_compile(options, b"stdin.clif", text, len(text))
    for number in range(clifc.clifc_result_message_count(result)):
        message = clifc.clifc_result_message(result, number).contents
        print(f"{message.line}:{message.column}: {message.text.decode()}", file=sys.stderr)
    ok = clifc.clifc_result_ok(result)
    if ok:
        size = c_size_t()
        object_file = clifc.clifc_result_object(result, ctypes.byref(size))
        with open(sys.argv[2], "wb") as out:
            out.write(ctypes.string_at(object_file, size.value))
        lines = clifc.clifc_result_assembly(result).decode().splitlines()
        print(f"clifc {clifc.clifc_version().decode()}: {len(lines)} lines of assembly")
    clifc.clifc_result_free(result)
    clifc.clifc_options_free(options)
    sys.exit(0 if ok else 1)


main()
