"""Every dialect of `stack`, as the engines wrote it (as published by TraceKit, error-stack-parser and Sentry)."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.tables import FRAMES
from workbench.errors.grouping import group
from workbench.errors.stacks import parse_stacks

# name, stack, frames as (function, url, line, column)
DIALECTS = [
    (
        "chrome",
        "TypeError: Object #<Object> has no method 'undef'\n"
        "    at bar (http://path/to/file.js:13:17)\n"
        "    at bar (http://path/to/file.js:16:5)\n"
        "    at foo (http://path/to/file.js:20:5)\n"
        "    at http://path/to/file.js:24:4",
        [
            ("bar", "http://path/to/file.js", 13, 17),
            ("bar", "http://path/to/file.js", 16, 5),
            ("foo", "http://path/to/file.js", 20, 5),
            (None, "http://path/to/file.js", 24, 4),
        ],
    ),
    (
        "chrome, constructor, alias, async, native",
        "Error: default error\n"
        "    at new CustomError (http://localhost:8080/file.js:41:27)\n"
        "    at Object.d [as add] (http://localhost:8080/file.js:31:13)\n"
        "    at Array.forEach (<anonymous>)\n"
        "    at async load (https://shop.example/app.js:2:1)\n"
        "    at async https://shop.example/app.js:3:9\n"
        "    at async Promise.all (index 0)",
        [
            ("new CustomError", "http://localhost:8080/file.js", 41, 27),
            ("Object.d", "http://localhost:8080/file.js", 31, 13),
            ("Array.forEach", "<anonymous>", None, None),
            ("load", "https://shop.example/app.js", 2, 1),
            (None, "https://shop.example/app.js", 3, 9),
            ("Promise.all", "<anonymous>", None, None),
        ],
    ),
    (
        "chrome, eval: the place that called it",
        "Error: message string\n"
        "at baz (eval at foo (eval at speak (http://localhost:8080/file.js:21:17)), <anonymous>:1:30)\n"
        "at foo (eval at speak (http://localhost:8080/file.js:21:17), <anonymous>:2:96)\n"
        "at Object.speak (http://localhost:8080/file.js:21:17)",
        [
            ("baz", "http://localhost:8080/file.js", 21, 17),
            ("foo", "http://localhost:8080/file.js", 21, 17),
            ("Object.speak", "http://localhost:8080/file.js", 21, 17),
        ],
    ),
    (
        "chrome, blob and data addresses",
        "Error: Problem at this\n"
        "    at Object.aFunction (blob:http%3A//localhost%3A8080/abfc40e9-4742-44ed-9dcd-af8f99a29379:1:6911)\n"
        "    at g (data:text/javascript;base64,dGhyb3cgMQ==:5:7)",
        [
            ("Object.aFunction", "blob:http%3A//localhost%3A8080/abfc40e9-4742-44ed-9dcd-af8f99a29379", 1, 6911),
            ("g", "data:text/javascript;base64,dGhyb3cgMQ==", 5, 7),
        ],
    ),
    (
        "chrome, parentheses in the address, an extension, a message of two lines that begins with at",
        "Error: could not\nat once (sorry)\n"
        "    at Page (https://shop.example/app/(shop)/page.js:1:2)\n"
        "    at scan (chrome-extension://abcdefghijklmnopabcdefghijklmnop/inject.js:1:99)",
        [
            ("Page", "https://shop.example/app/(shop)/page.js", 1, 2),
            ("scan", "chrome-extension://abcdefghijklmnopabcdefghijklmnop/inject.js", 1, 99),
        ],
    ),
    (
        "node",
        "Error: boom\n"
        "    at Object.<anonymous> (/srv/app/server.js:10:7)\n"
        "    at Module._compile (node:internal/modules/cjs/loader:1105:14)\n"
        "    at C:\\app\\index.js:3:4\n"
        "    at file:///srv/app/main.mjs:5:6\n"
        "    at Socket.emit (native)",
        [
            ("Object.<anonymous>", "/srv/app/server.js", 10, 7),
            ("Module._compile", "node:internal/modules/cjs/loader", 1105, 14),
            (None, "C:\\app\\index.js", 3, 4),
            (None, "file:///srv/app/main.mjs", 5, 6),
            ("Socket.emit", "native", None, None),
        ],
    ),
    (
        "edge and ie",
        "TypeError: Unable to get property 'undef' of undefined or null reference\n"
        "   at Anonymous function (http://path/to/file.js:47:21)\n"
        "   at foo (http://path/to/file.js:45:13)\n"
        "   at Global code (http://path/to/file.js:108:1)",
        [
            (None, "http://path/to/file.js", 47, 21),
            ("foo", "http://path/to/file.js", 45, 13),
            ("Global code", "http://path/to/file.js", 108, 1),
        ],
    ),
    (
        "firefox",
        "foo@http://path/to/file.js:41:13\n@http://path/to/file.js:1:1\n.plugin/e.fn[c]/<@http://path/to/file.js:1:1\n"
        "async*load@https://shop.example/app.js:2:1\nsetTimeout handler*tick@https://shop.example/app.js:9:3\n",
        [
            ("foo", "http://path/to/file.js", 41, 13),
            (None, "http://path/to/file.js", 1, 1),
            (".plugin/e.fn[c]/<", "http://path/to/file.js", 1, 1),
            ("load", "https://shop.example/app.js", 2, 1),
            ("tick", "https://shop.example/app.js", 9, 3),
        ],
    ),
    (
        "firefox before columns",
        '()@http://127.0.0.1:8000/js/stacktrace.js:44\nprintStackTrace("now")@http://127.0.0.1:8000/js/stacktrace.js:31\n',
        [
            (None, "http://127.0.0.1:8000/js/stacktrace.js", 44, None),
            ("printStackTrace", "http://127.0.0.1:8000/js/stacktrace.js", 31, None),
        ],
    ),
    (
        "firefox, eval: the place that called it",
        "baz@http://localhost:8080/file.js line 26 > eval line 2 > eval:1:30\n"
        "foo@http://localhost:8080/file.js line 26 > eval:4:18\n"
        "speak@http://localhost:8080/file.js:26:17",
        [
            ("baz", "http://localhost:8080/file.js", 26, None),
            ("foo", "http://localhost:8080/file.js", 26, None),
            ("speak", "http://localhost:8080/file.js", 26, 17),
        ],
    ),
    (
        "firefox, scoped package in the address, resource and add-on frames",
        "f@https://cdn.example/npm/@scope/pkg@1.2.3/index.js:1:2\nrender@resource://path/data/content/bundle.js:5529:16\n"
        "scan@moz-extension://6e7d6a8b-0000-4000-8000-000000000000/c.js:1:5",
        [
            ("f", "https://cdn.example/npm/@scope/pkg@1.2.3/index.js", 1, 2),
            ("render", "resource://path/data/content/bundle.js", 5529, 16),
            ("scan", "moz-extension://6e7d6a8b-0000-4000-8000-000000000000/c.js", 1, 5),
        ],
    ),
    (
        "safari",
        "http://path/to/file.js:48:22\nfoo@http://path/to/file.js:52:15\nglobal code@http://path/to/file.js:108:107\n"
        "forEach@[native code]\nasyncFunctionResume@[native code]\n@webkit-masked-url://hidden/:1:2",
        [
            (None, "http://path/to/file.js", 48, 22),
            ("foo", "http://path/to/file.js", 52, 15),
            ("global code", "http://path/to/file.js", 108, 107),
            ("forEach", "[native code]", None, None),
            ("asyncFunctionResume", "[native code]", None, None),
            (None, "webkit-masked-url://hidden/", 1, 2),
        ],
    ),
    (
        "safari, eval",
        "baz\nfoo\neval code\neval@[native code]\nspeak@http://localhost:8080/file.js:26:21",
        [("eval", "[native code]", None, None), ("speak", "http://localhost:8080/file.js", 26, 21)],
    ),
    (
        "react native, javascriptcore",
        "render@/var/app/main.jsbundle:12:34\nu@1:7\n[native code]\nhttp://localhost:8081/index.ios.bundle:9:8",
        [
            ("render", "/var/app/main.jsbundle", 12, 34),
            ("u", None, 1, 7),
            (None, "http://localhost:8081/index.ios.bundle", 9, 8),
        ],
    ),
    (
        "hermes",
        "Error: lets throw!\n"
        "    at onPress (address at index.android.bundle:1:452701)\n"
        "    at anonymous (address at index.android.bundle:1:224280)\n"
        "    at apply (native)\n"
        "    at tryCatch (InternalBytecode.js:1:5)",
        [
            ("onPress", "index.android.bundle", 1, 452701),
            (None, "index.android.bundle", 1, 224280),
            ("apply", "native", None, None),
            ("tryCatch", "InternalBytecode.js", 1, 5),
        ],
    ),
    (
        "webassembly, line 1 and the byte offset as its source maps count",
        "RuntimeError: unreachable\n"
        "    at rust_panic (https://shop.example/p.wasm:wasm-function[12]:0x1e)\n"
        "    at https://shop.example/p.wasm:wasm-function[7]:0xff\n",
        [
            ("rust_panic", "https://shop.example/p.wasm", 1, 31),
            ("wasm-function[7]", "https://shop.example/p.wasm", 1, 256),
        ],
    ),
    (
        "opera 10",
        "<anonymous>([arguments not available])@http://path/to/file.js:42\n"
        "printStackTrace([arguments not available])@http://path/to/file.js:18",
        [(None, "http://path/to/file.js", 42, None), ("printStackTrace", "http://path/to/file.js", 18, None)],
    ),
    (
        "opera 10, sentences",
        "  Line 42 of linked script http://path/to/file.js\n    this.undef();\n"
        "  Line 18 of linked script http://path/to/file.js: In function printStackTrace\n    var p = 1;\n"
        "  Line 4 of inline#1 script in http://path/to/page.html: In function bar\n    printTrace();",
        [
            (None, "http://path/to/file.js", 42, None),
            ("printStackTrace", "http://path/to/file.js", 18, None),
            ("bar", "http://path/to/page.html", 4, None),
        ],
    ),
    (
        "opera 11",
        "Error thrown at line 42, column 12 in <anonymous function: createException>() in http://path/to/file.js:\n"
        "    this.undef();\n"
        "called from line 27, column 8 in <anonymous function: run>(ex) in http://path/to/file.js:\n    ex = ex;\n"
        "called from line 18, column 4 in printStackTrace(options) in http://path/to/file.js:\n    var p;",
        [
            ("createException", "http://path/to/file.js", 42, 12),
            ("run", "http://path/to/file.js", 27, 8),
            ("printStackTrace", "http://path/to/file.js", 18, 4),
        ],
    ),
    (
        "opera 12",
        "<anonymous function>([arguments not available])@http://localhost:8000/lab.html:48\n"
        "dumpException3([arguments not available])@http://localhost:8000/lab.html:46",
        [
            (None, "http://localhost:8000/lab.html", 48, None),
            ("dumpException3", "http://localhost:8000/lab.html", 46, None),
        ],
    ),
    (
        "edge of today writes as chrome does, with accessors, private and static members",
        "TypeError: x\n"
        "    at get Cart.total (https://shop.example/app.js:1:2)\n"
        "    at #rate (https://shop.example/app.js:3:4)\n"
        "    at Cart.<computed> [as total] (https://shop.example/app.js:5:6)\n"
        "    at Function.<static_initializer> (https://shop.example/app.js:7:8)\n"
        "    at HTMLButtonElement.onclick (https://shop.example/:9:10)",
        [
            ("get Cart.total", "https://shop.example/app.js", 1, 2),
            ("#rate", "https://shop.example/app.js", 3, 4),
            ("Cart.<computed>", "https://shop.example/app.js", 5, 6),
            ("Function.<static_initializer>", "https://shop.example/app.js", 7, 8),
            ("HTMLButtonElement.onclick", "https://shop.example/", 9, 10),
        ],
    ),
    (
        "ie 11, eval and function code",
        "TypeError: x\n   at eval code (eval code:1:1)\n   at Anonymous function (Function code:2:3)\n"
        "   at foo (http://path/to/file.js:45:13)",
        [
            ("eval code", "eval code", 1, 1),
            (None, "Function code", 2, 3),
            ("foo", "http://path/to/file.js", 45, 13),
        ],
    ),
    (
        "node, eval, promises and an address of version 6",
        "Error: x\n"
        "    at eval (eval at <anonymous> (/srv/app/x.js:3:1), <anonymous>:1:7)\n"
        "    at eval (eval at run (C:\\app\\run.js:8:2), <anonymous>:1:7)\n"
        "    at new Promise (<anonymous>)\n"
        "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n"
        "    at async Server.<anonymous> (/srv/app/x.js:9:9)\n"
        "    at f (http://[::1]:3000/a.js:1:2)",
        [
            ("eval", "/srv/app/x.js", 3, 1),
            ("eval", "C:\\app\\run.js", 8, 2),
            ("new Promise", "<anonymous>", None, None),
            ("process.processTicksAndRejections", "node:internal/process/task_queues", 95, 5),
            ("Server.<anonymous>", "/srv/app/x.js", 9, 9),
            ("f", "http://[::1]:3000/a.js", 1, 2),
        ],
    ),
    (
        "firefox, blob, data, webassembly",
        "g@data:text/javascript;base64,dGhyb3cgMQ==:5:7\nh@blob:https://shop.example/abfc40e9-4742:1:2\n"
        "rust_panic@https://shop.example/p.wasm:wasm-function[12]:0x1e\n@http://[::1]/a.js:3:4",
        [
            ("g", "data:text/javascript;base64,dGhyb3cgMQ==", 5, 7),
            ("h", "blob:https://shop.example/abfc40e9-4742", 1, 2),
            ("rust_panic", "https://shop.example/p.wasm", 1, 31),
            (None, "http://[::1]/a.js", 3, 4),
        ],
    ),
    (
        "safari, webassembly, modules, extensions",
        "<?>.wasm-function[12]@[wasm code]\nmodule code@https://shop.example/main.js:3:4\n"
        "scan@safari-web-extension://3C9D0F5A/content.js:1:9",
        [
            ("<?>.wasm-function[12]", "[wasm code]", None, None),
            ("module code", "https://shop.example/main.js", 3, 4),
            ("scan", "safari-web-extension://3C9D0F5A/content.js", 1, 9),
        ],
    ),
    (
        "chrome, webassembly without an address of its own",
        "RuntimeError: unreachable\n    at add (wasm://wasm/0085b79a:wasm-function[3]:0x1d)\n"
        "    at <anonymous>:wasm-function[1]:0x2e",
        [("add", "wasm://wasm/0085b79a", 1, 30), ("wasm-function[1]", "<anonymous>", 1, 47)],
    ),
    (
        "react native in development, and on android",
        "Error: x\n"
        "    at foo (http://192.168.1.5:8081/index.bundle?platform=ios&dev=true:12:34)\n"
        "    at anonymous (address at /data/user/0/com.shop/files/index.android.bundle:1:77)\n"
        "    at global (address at main.jsbundle:1:1)\n"
        "    ... skipping 5 frames",
        [
            ("foo", "http://192.168.1.5:8081/index.bundle?platform=ios&dev=true", 12, 34),
            (None, "/data/user/0/com.shop/files/index.android.bundle", 1, 77),
            ("global", "main.jsbundle", 1, 1),
        ],
    ),
    (
        "react native, javascriptcore on android",
        "foo@index.android.bundle:12:34\nvalue@[native code]\nanonymous@index.android.bundle:5:6",
        [
            ("foo", "index.android.bundle", 12, 34),
            ("value", "[native code]", None, None),
            (None, "index.android.bundle", 5, 6),
        ],
    ),
    ("no stack at all", "TypeError: x is not a function", []),
    (
        "names of every kind, as Sentry's parser reads them",
        "Error: x\n"
        "    at Foo.my method (https://s.example/a.js:1:1)\n"
        "    at 合計 (https://s.example/a.js:2:1)\n"
        "    at Object.user@home (https://s.example/a.js:3:1)\n"
        "    at Object.f(x) (https://s.example/a.js:4:1)\n"
        "    at Array.[Symbol.iterator] [as values] (https://s.example/a.js:5:1)\n"
        "    at core::fmt::Debug>::fmt (https://s.example/p.wasm:wasm-function[9]:0xa)\n"
        "    at <anonymous> (https://s.example/a.js:6:1)\n"
        "    at new async (https://s.example/a.js:7:1)\n"
        "    at native",
        [
            ("Foo.my method", "https://s.example/a.js", 1, 1),
            ("合計", "https://s.example/a.js", 2, 1),
            ("Object.user@home", "https://s.example/a.js", 3, 1),
            ("Object.f(x)", "https://s.example/a.js", 4, 1),
            ("Array.[Symbol.iterator]", "https://s.example/a.js", 5, 1),
            ("core::fmt::Debug>::fmt", "https://s.example/p.wasm", 1, 11),
            (None, "https://s.example/a.js", 6, 1),
            ("new async", "https://s.example/a.js", 7, 1),
            (None, "native", None, None),
        ],
    ),
    (
        "addresses with brackets, an @, a port, a query with colons, blanks",
        "Error: x\n"
        "    at g (https://s.example/(group)/[slug]/page.js?v=1:2:3:4)\n"
        "    at h (https://user@s.example:8443/@scope/pkg@1.2.3/x.js?a=b:c&d=(e):5:6)\n"
        "    at https://s.example/a(1).js:7:8\n"
        "    at Object.<anonymous> (C:\\Users\\me\\my app\\index.js:3:4)\n"
        "    at C:\\Users\\me\\my app\\x.js:1:2\n"
        "    at /srv/app (copy)/y.js:3:4\n"
        "    at f (\\\\server\\share\\x.js:1:2)",
        [
            ("g", "https://s.example/(group)/[slug]/page.js?v=1:2", 3, 4),
            ("h", "https://user@s.example:8443/@scope/pkg@1.2.3/x.js?a=b:c&d=(e)", 5, 6),
            (None, "https://s.example/a(1).js", 7, 8),
            ("Object.<anonymous>", "C:\\Users\\me\\my app\\index.js", 3, 4),
            (None, "C:\\Users\\me\\my app\\x.js", 1, 2),
            (None, "/srv/app (copy)/y.js", 3, 4),
            ("f", "\\\\server\\share\\x.js", 1, 2),
        ],
    ),
    (
        "firefox, names and addresses with an @",
        'foo["a@b"]@https://s.example/a.js:1:2\nf@https://user:pw@s.example/x.js:1:2\n'
        "foo@https://s.example/a.js?x=1:2:3:4\nget total@https://s.example/a.js:1:2\nf@https://s.example/a(1).js:5:6",
        [
            ('foo["a@b"]', "https://s.example/a.js", 1, 2),
            ("f", "https://user:pw@s.example/x.js", 1, 2),
            ("foo", "https://s.example/a.js?x=1:2", 3, 4),
            ("get total", "https://s.example/a.js", 1, 2),
            ("f", "https://s.example/a(1).js", 5, 6),
        ],
    ),
    (
        "lines of the message that look like frames",
        "Error: no account for maya@example.org\nat least it says so\nat home (really)\nask lena@example.org\n"
        "    at f (https://s.example/a.js:1:2)",
        [("f", "https://s.example/a.js", 1, 2)],
    ),
    (
        "an address in the first line is no frame",
        "TypeError: GET https://x@y.example/a:1:2\n    at f (https://s.example/a.js:1:2)",
        [("f", "https://s.example/a.js", 1, 2)],
    ),
    (
        "an address without its line was cut off",
        "Error: x\n    at f (https://s.example/a.js:1:2)\n    at g (https://s.example/b.j",
        [("f", "https://s.example/a.js", 1, 2)],
    ),
    (
        "firefox, cut off",
        "f@https://s.example/a.js:1:2\ng@https://s.exa",
        [("f", "https://s.example/a.js", 1, 2)],
    ),
    (
        "line breaks of Windows, tabs",
        "Error: x\r\n\tat f (https://s.example/a.js:1:2)\r\n\tat https://s.example/b.js:3:4\r\n",
        [("f", "https://s.example/a.js", 1, 2), (None, "https://s.example/b.js", 3, 4)],
    ),
    (
        "webassembly that a script compiled: the script's line, and no offset of the script",
        "add@https://s.example/a.js line 3 > WebAssembly.instantiate:wasm-function[5]:0x1f\n"
        "@https://s.example/p.wasm:wasm-function[7]:0xff",
        [("add", "https://s.example/a.js", 3, None), ("wasm-function[7]", "https://s.example/p.wasm", 1, 256)],
    ),
    (
        "react native on old Androids writes no blank before the address",
        "Error: test\n    at render(/sdcard/shop/src/Scene.js:78:24)\n    at this(/sdcard/shop/x.js:7:12)",
        [("render", "/sdcard/shop/src/Scene.js", 78, 24), ("this", "/sdcard/shop/x.js", 7, 12)],
    ),
    (
        "opera 11, code without a function, and calls by way of others",
        "Error thrown at line 42, column 12 in http://path/to/file.js:\n    this.undef();\n"
        "called via Function.prototype.apply() from line 3, column 4 in x() in http://path/to/file.js:\n    x();\n"
        "called as bound to be called from line 5, column 6 in <anonymous function>() in http://path/to/file.js:\n",
        [
            (None, "http://path/to/file.js", 42, 12),
            ("x", "http://path/to/file.js", 3, 4),
            (None, "http://path/to/file.js", 5, 6),
        ],
    ),
    (
        "opera 9, frames far apart",
        "  Line 42 of linked script http://path/to/file.js\n    x();\n"
        "  ...  Line 7 of inline#1 script in http://path/to/page.html\n    y();",
        [(None, "http://path/to/file.js", 42, None), (None, "http://path/to/page.html", 7, None)],
    ),
]


@pytest.mark.parametrize(("stack", "expected"), [case[1:] for case in DIALECTS], ids=[case[0] for case in DIALECTS])
def test_every_dialect_gives_its_frames(stack, expected):
    frames = parse_stacks(pl.DataFrame({"event_id": ["e"], "stack": [stack]}))
    assert frames.select("function", "url", "line", "column").rows() == expected
    assert frames["frame_index"].to_list() == list(range(len(expected)))
    assert dict(frames.schema) == dict(FRAMES.schema)


def test_causes_and_members_of_an_aggregate_get_their_own_index():
    stack = (
        "Error: order failed\n    at order (https://s.example/a.js:1:1)\n    at run (https://s.example/a.js:2:1) {\n"
        "  [cause]: TypeError: no rate\n      at rate (https://s.example/b.js:3:1)\n"
        "Caused by: Error: socket\n      at net (https://s.example/c.js:4:1)\n"
    )
    frames = parse_stacks(pl.DataFrame({"event_id": ["e"], "stack": [stack]}))
    assert frames.select("exception_index", "frame_index", "function").rows() == [
        (0, 0, "order"),
        (0, 1, "run"),
        (1, 0, "rate"),
        (2, 0, "net"),
    ]
    aggregate = (
        "AggregateError: All promises were rejected\n    at all (https://s.example/a.js:1:1) {\n  [errors]: [\n"
        "    Error: first\n        at one (https://s.example/a.js:2:1),\n"
        "    RangeError: second\n        at two (https://s.example/a.js:3:1)\n  ]\n}"
    )
    frames = parse_stacks(pl.DataFrame({"event_id": ["e"], "stack": [aggregate]}))
    assert frames.select("exception_index", "function").rows() == [(0, "all"), (1, "one"), (2, "two")]


@pytest.mark.parametrize(
    ("url", "in_app"),
    [
        ("https://shop.example/assets/app-3f2a.js", True),
        ("webpack-internal:///./src/cart.tsx", True),
        ("https://shop.example/node_modules/react-dom/index.js", False),
        ("https://cdn.jsdelivr.net/npm/lodash/lodash.min.js", False),
        ("https://unpkg.com/react@19/umd/react.js", False),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnop/page.js", False),
        ("safari-web-extension://0000/page.js", False),
        ("node:internal/timers", False),
        ("eval code", False),
        ("Function code", False),
        ("Unknown script code", False),
        ("self-hosted", False),
        ("webpack://shop/webpack/bootstrap", False),
        ("webpack://shop/./src/cart.tsx", True),
        ("webpack:///./src/webpack/config.ts", True),
        ("https://shop.example/eval code.js", True),
        ("https://not-unpkg.com.example/x.js", True),
    ],
)
def test_frames_of_libraries_extensions_and_engines_are_not_ours(url, in_app):
    frames = parse_stacks(pl.DataFrame({"event_id": ["e"], "stack": [f"Error: x\n    at f ({url}:1:2)"]}))
    assert frames["in_app"].to_list() == [in_app]


def test_a_message_of_a_million_characters_costs_no_more_than_reading_it():
    stack = f"Error: {'at x (' * 170_000}\n    at f (https://s.example/a.js:1:2)"
    frames = parse_stacks(pl.DataFrame({"event_id": ["e"], "stack": [stack]}))
    assert frames.select("function", "line").rows() == [("f", 1)]


@pytest.mark.parametrize("type_", ["Error", "PaymentError", None])
def test_a_frame_quoted_in_the_message_is_not_the_errors_own(type_):
    said = "cannot read:\n    at https://other.example/{n}.js:1:{n}\nin order {n}"
    stack = "Error: " + said + "\n    at pay (https://www.shop.example/app.js:1:2)"
    events = pl.DataFrame(
        [(f"e{n}", type_, said.format(n=n), stack.format(n=n)) for n in (1, 2, 3)],
        schema={"event_id": pl.String, "type": pl.String, "message": pl.String, "stack": pl.String},
        orient="row",
    )
    told = group(events, None, None, first_party=["shop.example"])
    assert told.events["shape_id"].n_unique() == 1
    assert told.issues.select("top_function", "n_events").rows() == [("pay", 3)]


def test_events_with_equal_stacks_each_get_their_frames():
    stack = "Error: x\n    at f (https://a.example/x.js:1:2)"
    frames = parse_stacks(pl.DataFrame({"event_id": ["b", "a", "c"], "stack": [stack, stack, None]}))
    assert frames["event_id"].to_list() == ["a", "b"]


LINES = st.one_of(
    st.text(max_size=60),
    st.sampled_from([line for _, stack, _ in DIALECTS for line in stack.split("\n")]),
    st.from_regex(r"    at [\w.<> ]{0,12} ?\(?[a-z]{0,5}:?/?/?[\w./()@:]{0,20}\)?", fullmatch=True),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=8).map("\n".join))
def test_no_text_breaks_the_parser(stack):
    frames = parse_stacks(pl.DataFrame({"event_id": ["e"], "stack": [stack]}))
    assert frames["frame_index"].null_count() == 0
    assert (frames["line"].drop_nulls() > 0).all()
    assert (frames["column"].drop_nulls() > 0).all()
