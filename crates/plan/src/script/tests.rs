use super::*;

fn asked(text: &str, given: &[(&str, i64)]) -> Vec<String> {
    let script = Script::read(&"s.sql".into(), text).unwrap();
    let given = given.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    // The highest face, always.
    let steps = script.run(&given, &mut |bound| bound - 1).unwrap();
    steps
        .into_iter()
        .map(|step| match step {
            Do::Ask(text) => text,
            Do::Sleep(time) => format!("sleep {time:?}"),
        })
        .collect()
}

fn refused(text: &str) -> Vec<String> {
    let found = Script::read(&"s.sql".into(), text).unwrap_err();
    found.iter().map(|one| format!("{}: {}", one.place.as_ref().unwrap(), one.message)).collect()
}

fn number(text: &str) -> Result<i64, String> {
    Expression::read(text)?.value(&BTreeMap::from([("n".into(), 7)]), &mut |bound| bound / 2)
}

#[test]
fn pgbenchs_own_scripts_run() {
    let all: Vec<usize> = BUILTIN.iter().map(|(_, text)| asked(text, &[("scale", 2)]).len()).collect();
    assert_eq!(all, [1, 5, 7]);
    let select = asked(BUILTIN[0].1, &[("scale", 2)]);
    assert_eq!(select, ["SELECT abalance FROM pgbench_accounts WHERE aid = 200000"]);
}

#[test]
fn statements_end_at_semicolons_that_stand_in_nothing() {
    let text = "select ';', \"a;b\", $$;$$, $t$;$$;$t$, E'\\';' /* ; /* ; */ */; -- ;\n select 2 ;;\nselect a$1;select 3";
    let all = asked(text, &[]);
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(all[0].starts_with("select ';'") && all[0].ends_with("*/"), "{all:?}");
    assert_eq!(all[1..], ["-- ;\n select 2", "select a$1", "select 3"]);
}

#[test]
fn variables_stand_for_their_values_and_casts_are_left_alone() {
    let text = "\\set a 3\n\\set b :a * 2\nselect :a, :b, '1'::int, :nobody, now()::text;\n\\sleep :a ms\n";
    assert_eq!(asked(text, &[]), ["select 3, 6, '1'::int, :nobody, now()::text", "sleep 3ms"]);
}

#[test]
fn numbers_come_out_as_in_pgbench() {
    assert_eq!(number("1 + 2 * 3 - -4"), Ok(11));
    assert_eq!(number("(1 + 2) * 3 % 5"), Ok(4));
    assert_eq!(number("-7 / 2"), Ok(-3));
    assert_eq!(number("abs(-3) + greatest(1, :n, 2) + least(4, 2)"), Ok(12));
    assert_eq!(number("random(1, 10)"), Ok(6));
    assert_eq!(number("random(-9223372036854775807 - 1, 9223372036854775807)"), Ok(-1));
    for (text, why) in [
        ("1 / 0", "division by zero"),
        ("9223372036854775807 + 1", "64 bits"),
        ("random(2, 1)", "larger than the second"),
        (":nobody", "nobody has set :nobody"),
        ("1 +", "missing"),
        ("(1", "not closed"),
        ("pi()", "not known"),
        ("random(1)", "wrong number"),
        ("1 2", "not understood"),
        ("99999999999999999999", "no whole number"),
    ] {
        let error = number(text).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert!(number(&"(".repeat(100_000)).unwrap_err().contains("parentheses"));
    assert_eq!(number(&vec!["1"; 1_000].join("+")), Ok(1_000));
    for sign in ["+", "*", "%"] {
        assert!(number(&vec!["1"; 300_000].join(sign)).unwrap_err().contains("more than 1000 values"));
    }
}

#[test]
fn what_cannot_be_run_is_told_with_its_line() {
    assert_eq!(
        refused("\\setrandom x 1 2\nselect 1;\n\\set\n\\sleep 3 h\n"),
        [
            "s.sql:1: \\setrandom is not known here",
            "s.sql:3: \\set wants a name and an expression",
            "s.sql:4: \\sleep wants a number and us, ms or s"
        ]
    );
    assert_eq!(refused("select 1;\nselect 'a;\n"), ["s.sql:2: a text begins here and does not end"]);
    assert_eq!(refused("/* a"), ["s.sql:1: a comment begins here and does not end"]);
    assert_eq!(refused("-- nothing\n"), ["s.sql: there is no SQL statement in it"]);
    assert_eq!(refused("$x$ a"), ["s.sql:1: a dollar-quoted text begins here and does not end"]);
}
