//! What is read off texts, and what is not.

use proptest::prelude::*;

use super::*;

fn within(database: &str) -> Option<Vacancy> {
    Some(Vacancy { database: database.into(), within: true })
}

fn without(database: &str) -> Option<Vacancy> {
    Some(Vacancy { database: database.into(), within: false })
}

#[test]
fn a_database_that_is_copied_must_be_vacant() {
    for (text, database) in [
        ("create database y", "template1"),
        ("CREATE DATABASE y WITH OWNER app", "template1"),
        ("create database y template x", "x"),
        ("create database y with template = X;", "x"),
        ("create database y template 'X'", "X"),
        ("create database y template = 'it''s'", "it's"),
        ("create database y template \"My \"\"db\"", "My \"db"),
        ("create database y template default", "template1"),
        ("create database y with owner = template template = x", "x"),
        ("create database y encoding 'UTF8' connection limit -1 template x", "x"),
        ("create database y connection limit = + 5 is_template true \"template\" x", "x"),
        ("/* a /* b */ c */ create -- d\r\ndatabase y\ttemplate/**/x ; ;", "x"),
        (";create database \"y\"\"\"template=\"x\"", "x"),
        ("create database \u{fc} template \u{dc}", "\u{dc}"),
    ] {
        assert_eq!(Vacancy::of_text(text.as_bytes()), within(database), "{text}");
    }
}

#[test]
fn a_database_that_is_dropped_renamed_or_moved_must_be_vacant() {
    for (text, database) in [
        ("drop database x", "x"),
        ("DROP DATABASE IF EXISTS \"Test_X\";\0", "Test_X"),
        ("drop database x with (force)", "x"),
        ("drop database if exists x (force, force)", "x"),
        ("drop database if", "if"),
        ("\n\tDrop Database x$1", "x$1"),
        ("alter database x rename to y", "x"),
        ("ALTER DATABASE \"X\" RENAME TO \"Y\"", "X"),
        ("alter database x set tablespace fast", "x"),
        ("alter database x with tablespace = fast", "x"),
        ("alter database x tablespace fast", "x"),
    ] {
        assert_eq!(Vacancy::of_text(text.as_bytes()), without(database), "{text}");
    }
}

#[test]
fn other_texts_need_no_vacancy() {
    for text in [
        "",
        "drop",
        "drop table x",
        "drop database",
        "drop database x; select 1",
        "select 1; drop database x",
        "drop database x y",
        "drop database x with force",
        "drop database 'x'",
        "drop database \"\"",
        "drop database \"x",
        "drop database u&\"x\"",
        "drop database /* x",
        "dropdatabase x",
        "create database",
        "create database y template",
        "create database y template e'x'",
        "create database y template 'a\\b'",
        "create database y connection 5",
        "alter database x",
        "alter database x rename y",
        "alter database x set work_mem to 4",
        "alter database x connection limit 5",
        "alter database x owner to y",
        "comment on database x is 'drop database x'",
        "select 'drop database x'",
        "-- drop database x",
    ] {
        assert_eq!(Vacancy::of_text(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_name_is_cut_where_the_server_cuts_it() {
    let long = "n".repeat(62) + "\u{fc}\u{fc}";
    let found = Vacancy::of_text(format!("drop database {long}").as_bytes());
    assert_eq!(found, without(&"n".repeat(62)));
}

/// Blanks and comments; at least one where words would run together.
fn gap() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        " ",
        "\t",
        "\n",
        "\r\n",
        "\x0c",
        "/**/",
        "/* ; */",
        "/*/*'*/*/",
        "-- \"\n",
    ]);
    prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

/// A keyword in letters of any case.
fn keyword(word: &str) -> impl Strategy<Value = String> + use<> {
    let word = word.to_owned();
    prop::collection::vec(any::<bool>(), word.len()).prop_map(move |upper| {
        let case = |(letter, upper): (char, &bool)| {
            if *upper { letter.to_ascii_uppercase() } else { letter }
        };
        word.chars().zip(&upper).map(case).collect()
    })
}

/// A name as it is spelled, and as the server knows it.
fn spelled() -> impl Strategy<Value = (String, String)> {
    let plain = "[a-zA-Z_][a-zA-Z0-9_$]{0,20}".prop_map(|name| (name.clone(), name.to_ascii_lowercase()));
    let quoted = "[^\0]{1,15}".prop_map(|name| (format!("\"{}\"", name.replace('"', "\"\"")), name));
    prop_oneof![plain, quoted]
}

/// Words of one statement, and the gaps between them.
fn joined(words: Vec<BoxedStrategy<String>>) -> impl Strategy<Value = String> {
    let gaps = prop::collection::vec(gap(), words.len() + 1);
    (words, gaps).prop_map(|(words, gaps)| {
        let mut text = gaps[0].clone();
        for (word, gap) in words.iter().zip(&gaps[1..]) {
            text.push_str(word);
            text.push_str(gap);
        }
        text
    })
}

fn statement() -> impl Strategy<Value = (String, Vacancy)> {
    let word = |word: &str| keyword(word).boxed();
    (0..5u8, spelled(), spelled()).prop_flat_map(move |(kind, (name, known), (other, _))| {
        let (name, other) = (Just(name).boxed(), Just(other).boxed());
        let words = match kind {
            0 => vec![word("drop"), word("database"), name],
            1 => vec![
                word("drop"),
                word("database"),
                word("if"),
                word("exists"),
                name,
                word("with"),
                word("(force)"),
            ],
            2 => vec![word("alter"), word("database"), name, word("rename"), word("to"), other],
            3 => vec![word("create"), word("database"), other, word("template"), name],
            _ => vec![
                word("create"),
                word("database"),
                other,
                word("with"),
                word("owner"),
                word("app"),
                word("template"),
                word("="),
                name,
                word(";"),
            ],
        };
        let vacancy = Vacancy { database: known.into(), within: kind > 2 };
        (joined(words), Just(vacancy))
    })
}

proptest! {
    #[test]
    fn spacing_case_and_quotes_change_nothing((text, vacancy) in statement()) {
        // A keyword that has a meaning of its own there is no name: the server would not take it either.
        prop_assume!(!["if", "default", "with"].contains(&&*vacancy.database));
        prop_assert_eq!(Vacancy::of_text(text.as_bytes()), Some(vacancy), "{}", text);
    }

    #[test]
    fn no_front_of_such_a_text_is_taken_for_something_else((text, _) in statement()) {
        for end in 0..=text.len() {
            prop_assert!(may_need(&text.as_bytes()[..end]));
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..60), cut in 0..60usize) {
        let _ = Vacancy::of_text(&bytes);
        let text = b"drop database /*-*/ \"x\" with ( force ) ;";
        let mut mixed = text[..cut.min(text.len())].to_vec();
        mixed.extend(bytes);
        if Vacancy::of_text(&mixed).is_some() {
            prop_assert!(may_need(&mixed));
        }
    }
}
