//! The table of faults in `docs/reliability.md`: each row is there once, and the tests that it names exist.
//!
//! How tests are named there: `x::y…` is the one test of `tests/tests/x.rs` whose name begins with `y`; `crate a::b::y…`
//! the one in the file of that crate whose path ends with `a/b.rs`; a name alone is in the file that was named before it;
//! "(3)" behind it says that there are three such tests.

use super::{MEMBERS, none, root, sources};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Every fault that has a row. What is thought of later is added.
const ROWS: [(char, &[u32]); 7] = [
    ('A', &[1, 2, 3, 4, 5, 6, 7, 9, 10, 11]),
    ('B', &[1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 16]),
    ('C', &[1, 2, 4]),
    ('D', &[1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15, 16, 17, 18]),
    ('E', &[1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16]),
    ('F', &[1, 2, 4, 6, 7, 8, 10]),
    ('G', &[1, 2, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18]),
];
/// How a result begins.
const RESULTS: [&str; 5] = ["holds", "in part: ", "not run here: ", "not claimed", "by choice"];

/// One row: its id, the column of tests, the result.
type Row = [String; 3];

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let is_id = |id: &str| {
        let number = id.strip_prefix(|group| ('A'..='G').contains(&group)).unwrap_or_default();
        !number.is_empty() && number.chars().all(|char| char.is_ascii_digit())
    };
    let rows = text.lines().map(cells).filter(|cells| cells.len() == 7 && is_id(&cells[1]));
    rows.map(|cells| [cells[1].clone(), cells[4].clone(), cells[5].clone()]).collect()
}

/// The tests of each file.
fn tests() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, text) in sources() {
        let mut marked = false;
        for line in text.lines().map(str::trim_start) {
            marked |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let Some((_, name)) = line.split_once("fn ").filter(|_| marked) else { continue };
            let name = name.split('(').next().unwrap_or_default().to_owned();
            found.entry(file.clone()).or_default().push(name);
            marked = false;
        }
    }
    found
}

/// A test as the table names it.
#[derive(Debug, PartialEq)]
struct Named {
    krate: String,
    /// The end of the file's path, without `.rs`.
    file: String,
    name: String,
    count: usize,
}

/// The tests that a cell names.
fn named(cell: &str) -> Vec<Named> {
    // What is in backticks is a command.
    let text: String = cell.split('`').step_by(2).collect();
    let mut found: Vec<Named> = Vec::new();
    let mut before = "";
    for word in text.split_whitespace() {
        let digits = word.strip_prefix('(').unwrap_or_default();
        let digits = digits.trim_end_matches([')', ',', ';', ':', '.']);
        if let (Ok(count), Some(last)) = (digits.parse(), found.last_mut()) {
            last.count = count;
        }
        let bare = word.trim_matches(['(', ')', ',', ';', '.']);
        let name = bare.trim_end_matches('…');
        let plain = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "_:".contains(char);
        if let Some((file, name)) = name.rsplit_once("::") {
            let krate = if MEMBERS.contains(&before) { before } else { "tests" };
            let (krate, file, name) = (krate.to_owned(), file.replace("::", "/"), name.to_owned());
            found.push(Named { krate, file, name, count: 1 });
        } else if name.contains('_')
            && name.chars().all(plain)
            && let Some(Named { krate, file, .. }) = found.last()
        {
            let (krate, file) = (krate.clone(), file.clone());
            found.push(Named { krate, file, name: name.to_owned(), count: 1 });
        }
        before = bare;
    }
    found
}

/// What is wrong with a name, if anything.
fn fault(named: &Named, tests: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let inside = format!("{}/", named.krate);
    // The file itself, not one of the same name further below, where the crate has its tests in one folder.
    let end = if named.krate == "tests" {
        format!("tests/tests/{}.rs", named.file)
    } else {
        format!("/{}.rs", named.file)
    };
    let files: Vec<_> =
        tests.iter().filter(|(path, _)| path.starts_with(&inside) && path.ends_with(&end)).collect();
    let [(path, all)] = files.as_slice() else {
        return Some(format!("{} files are {}{end}", files.len(), named.krate));
    };
    let count = all.iter().filter(|test| test.starts_with(&named.name)).count();
    (count != named.count)
        .then(|| format!("{count} tests of {path} begin with {:?}, not {}", named.name, named.count))
}

#[test]
fn each_fault_has_one_row_with_a_test_or_a_command_and_a_result() {
    let expected: Vec<String> = ROWS
        .iter()
        .flat_map(|(group, all)| all.iter().map(move |number| format!("{group}{number}")))
        .collect();
    let rows = rows();
    let ids: Vec<&String> = rows.iter().map(|[id, ..]| id).collect();
    assert_eq!(ids, expected.iter().collect::<Vec<_>>(), "the rows, in their order");
    let without: Vec<String> = rows
        .iter()
        .filter(|[_, cell, result]| {
            named(cell).is_empty() && !cell.contains('`') && result.starts_with("holds")
        })
        .map(|[id, ..]| id.clone())
        .collect();
    none("rows that hold and name no test and no command", &without);
    let others: Vec<String> = rows
        .iter()
        .filter(|[_, _, result]| !RESULTS.iter().any(|begin| result.starts_with(begin)))
        .map(|[id, _, result]| format!("{id}: {result}"))
        .collect();
    none("results that are none", &others);
}

#[test]
fn the_tests_that_the_rows_name_exist() {
    let tests = tests();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for [id, cell, _] in rows() {
        for named in named(&cell) {
            wrong.extend(fault(&named, &tests).map(|fault| format!("{id}: {fault}")));
            seen.insert(format!("{}/{}::{}", named.krate, named.file, named.name));
        }
    }
    assert!(seen.len() > 100, "the names are read: {seen:?}");
    none("tests that the table of faults names wrongly", &wrong);
}

#[test]
fn a_name_that_is_wrong_is_noticed() {
    let tests = BTreeMap::from([
        (
            "tests/tests/life.rs".to_owned(),
            vec!["a1_one".to_owned(), "a1_other".to_owned(), "b2_last".to_owned()],
        ),
        ("broker/src/store/tests/clock.rs".to_owned(), vec!["e15_order".to_owned()]),
    ]);
    let wrong = |cell: &str| named(cell).iter().filter_map(|named| fault(named, &tests)).count();
    let right =
        "life::a1_… (2; needs root), b2_last; broker tests::clock::e15_…; `c2c-torture run --no_such`";
    assert_eq!((named(right).len(), wrong(right)), (3, 0));
    for cell in
        ["life::a2_…", "life::a1_…", "life::a1_… (3)", "lives::a1_one", "life::b2_…, a1_two…", "clock::e15_…"]
    {
        assert_eq!(wrong(cell), 1, "{cell}");
    }
}
