use super::*;

fn look(name: &str) -> Option<String> {
    (name == "HOME").then(|| "/root".into())
}

fn pairs(settings: Vec<Setting>) -> Vec<(String, Option<String>)> {
    settings.into_iter().map(|setting| (setting.key.text, setting.value)).collect()
}

fn read(text: &str) -> (Vec<(String, Option<String>)>, Vec<String>) {
    let mut findings = Findings::default();
    let settings = compose(&".env".into(), &text.into(), &look, &mut BTreeMap::new(), &mut findings);
    let said = |f: Finding| {
        let place = f.place.unwrap();
        format!("{}:{} {}", place.line, place.column, f.message)
    };
    (pairs(settings), findings.into_vec().into_iter().map(said).collect())
}

fn value(text: &str) -> String {
    let (pairs, findings) = read(text);
    assert_eq!(findings, [""; 0], "{text}");
    pairs.last().and_then(|(_, value)| value.clone()).unwrap()
}

#[test]
fn every_way_to_write_a_value_is_read_as_compose_does() {
    for (text, expected) in [
        ("A=b", "b"),
        ("\u{feff}A=b", "b"),
        ("export A=b", "b"),
        ("  A = b  ", "b"),
        ("A: b", "b"),
        ("A=", ""),
        ("A=b # c", "b"),
        ("A=b#c", "b#c"),
        ("A='b # c' # d", "b # c"),
        ("A=\"b # c\" # d", "b # c"),
        ("A='$HOME\\n'", "$HOME\\n"),
        ("A='it\\'s'", "it's"),
        ("A=\"say \\\"b\\\"\\n\\t\\\\ \\q \\0101\"", "say \"b\"\n\t\\ \\q A"),
        ("A=\"\\$HOME $$HOME\"", "$HOME $HOME"),
        ("A=$HOME/x", "/root/x"),
        ("B=1\nA=${B}${C:-2}", "12"),
        ("HOME=/x\nA=$HOME", "/root"),
        ("A=\"b\nc\"", "b\nc"),
        ("A=b\r\n", "b"),
        ("A=postgres://u:p@db:5432/x?sslmode=disable", "postgres://u:p@db:5432/x?sslmode=disable"),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn a_name_alone_takes_its_value_from_around() {
    assert_eq!(read("A\nB=1\nC").0, [("A".into(), None), ("B".into(), Some("1".into())), ("C".into(), None)]);
}

#[test]
fn all_wrong_lines_are_told_and_the_others_read() {
    let (pairs, findings) = read("A=1\nB C=2\n!x=1\n=3\nD=\"open\nE=$NOPE\n");
    assert_eq!(pairs.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["A", "D", "E"]);
    assert_eq!(
        findings,
        [
            "2:1 a variable's name cannot hold a space",
            "3:1 this letter cannot be part of a variable's name",
            "4:1 no name stands before the sign",
            "5:3 this quote is never closed",
            "6:3 the variable NOPE is not set: nothing stands in its place",
        ]
    );
}

#[test]
fn values_that_double_and_double_come_to_an_end() {
    let mut text = String::from("A0=xxxxxxxxxx\n");
    for i in 1..5_000 {
        text += &format!("A{i}=$A{}$A{}\n", i - 1, i - 1);
    }
    let (pairs, findings) = read(&text);
    let bytes: usize = pairs.iter().filter_map(|(_, value)| value.as_ref()).map(String::len).sum();
    assert!(bytes <= VALUES_BYTES_MAX + GROWTH_MAX + 1_000, "{bytes}");
    assert!(findings.iter().any(|found| found.contains("beyond 128 KiB")));
}

#[test]
fn systemd_and_foreman_take_values_as_they_are() {
    let read = |dialect, text: &str| {
        let mut findings = Findings::default();
        let settings = literal(&"f".into(), &text.into(), dialect, &mut findings);
        (pairs(settings), findings.into_vec().len())
    };
    for (text, expected) in [
        ("A=b # c", "b # c"),
        ("A=$HOME", "$HOME"),
        ("A= b  ", "b"),
        ("A='b '\"c\"d", "b cd"),
        ("A=\"b\\\"c\\d\"", "b\"c\\d"),
        ("A=b \\\n c", "b  c"),
        ("A=", ""),
        ("A=\"b\nc\"", "b\nc"),
    ] {
        for dialect in [Dialect::Systemd, Dialect::Foreman] {
            let expected = vec![("A".to_owned(), Some(expected.to_owned()))];
            assert_eq!(read(dialect, text), (expected, 0), "{text}");
        }
    }
    assert_eq!(read(Dialect::Systemd, "; x\n# y\nexport A=1\nnothing\n"), (vec![], 2));
    assert_eq!(read(Dialect::Foreman, "export A=1\n"), (vec![("A".into(), Some("1".into()))], 0));
}
