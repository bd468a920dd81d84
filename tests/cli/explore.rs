//! The page of `clifc explore`, in a browser.

use super::*;

/// Two functions, of which the second has a loop.
const LOOP: &str = "function %one(f64) -> f64 {\nblock0(v0: f64):\n    v1 = fadd v0, v0\n    return v1\n}\n\n\
                    function %\"<&>\"(i64, i64) -> i64 system_v {\nblock0(v0: i64, v1: i64):\n    \
                    v2 = iconst.i64 0\n    \
                    jump block1(v2, v2)\n\nblock1(v3: i64, v4: i64):\n    v5 = icmp ult v3, v1\n    \
                    brif v5, block2, block3\n\nblock2:\n    v6 = udiv v3, v0\n    v7 = iadd v4, v6\n    \
                    v8 = iadd_imm v3, 1\n    jump block1(v8, v7)\n\nblock3:\n    return v4\n}\n";

/// The numbers of lines that contain a text.
fn numbers<'p>(page: &'p str, element: &str, text: &str) -> Vec<&'p str> {
    let parts = page.split(element).skip(1);
    let found = parts.filter(|part| part.split("</div>").next().is_some_and(|line| line.contains(text)));
    found.filter_map(|part| part.split("data-n=\"").nth(1)?.split('"').next()).collect()
}

/// Debian's browser without windows, which needs half the space, or the one with them.
fn browser() -> &'static str {
    let is_installed = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    let names = ["chromium-headless-shell", "chromium"];
    names.into_iter().find(is_installed).expect("scripts/test installs a browser")
}

#[test]
fn a_browser_shows_how_functions_are_compiled() {
    for target in ["x86_64", "aarch64", "s390x", "x86_64-apple-darwin"] {
        let dir = dir(&format!("explore_{target}"));
        fs::write(dir.join("loop.clif"), LOOP).expect("a file");
        let output = clifc(&dir, &["explore", "-O2", "--target", target, "loop.clif"], "");
        assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
        let page = dir.join("loop.html");
        let written = fs::read_to_string(&page).expect("a page");
        // The page is complete in itself.
        assert!(!written.contains("src=") && !written.contains("href=") && !written.contains("@import"));
        let mut browser = Command::new(browser());
        browser.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--dump-dom",
        ]);
        browser.arg(format!("--user-data-dir={}", dir.join("profile").display()));
        let shown = browser.arg(format!("file://{}", page.display())).output().expect("the browser starts");
        let shown = text(&shown.stdout);
        // The script ran to its end, shows one function, and hides columns that are not chosen.
        assert!(shown.contains("data-ready=\"2\""), "{target}: {shown}");
        assert_eq!(shown.matches("<section").count(), 2);
        assert_eq!(shown.matches("hidden=\"\"><nav>").count(), 1);
        assert!(shown.contains("<article hidden=\"\">"));
        assert!(shown.contains("<option value=\"1\">%\"&lt;&amp;&gt;\"</option>"));
        for column in ["CLIF", "lower", "regalloc", "machine code", "control flow"] {
            assert!(shown.contains(&format!("<h2>{column}</h2>")), "{target}: {column}");
        }
        // The division is linked from its line to the machine code.
        let section = shown.split("<section").nth(2).expect("the second function");
        let line = numbers(section, "<div class=\"line\"", "v6 = udiv v3, v0");
        let code = section.split("<h2>machine code</h2>").nth(1).expect("a column");
        let divides = |row: &&str| ["div", "dlg"].iter().any(|name| row.contains(name));
        let row = code.split("<tr ").find(divides).expect("a division");
        assert!(row.contains(&format!("data-n=\"{}\"", line[0])), "{target}: {line:?} {row}");
        assert!(row.contains("class=\"held\""), "{target}: {row}");
        // Each block has a box, and each edge a line.
        let graph = section.split("<h2>control flow</h2>").nth(1).expect("a column");
        assert_eq!((graph.matches("<rect").count(), graph.matches("<path").count()), (4, 4));
    }
}

#[test]
fn listings_show_the_lines_of_the_file() {
    let dir = dir("listing_lines");
    let show = |more: &[&str]| {
        let args = [&["build", "--target", "x86_64", "--emit", "listing", "-", "-o", "-"], more].concat();
        text(&clifc(&dir, &args, LOOP).stdout)
    };
    let listing = show(&[]);
    let at = |text: &str| listing.find(text).unwrap_or_else(|| panic!("{text}: {listing}"));
    assert!(at("; 3: v1 = fadd v0, v0\n") < at("addsd"));
    assert!(at("; 17: v6 = udiv v3, v0\n") < at("divq"));
    // The object has no debug information for that.
    assert!(clifc(&dir, &["build", "--emit=listing,obj", "--out-dir", "."], LOOP).status.success());
    let object = fs::read(dir.join("stdin.o")).expect("an object");
    assert!(!object.windows(6).any(|bytes| bytes == b".debug"));
    assert_eq!(show(&["-g"]), listing);
}
