//! What a session's last statement tells of state that an idle session may hold and that no catalog shows.

/// It listens, as far as its last statement tells.
pub(super) fn listens(query: &str) -> bool {
    statements(query).any(|words| words.first().is_some_and(|word| word == "listen"))
}

/// It made a temporary table or a cursor that outlives its transaction, as far as its last statement tells.
pub(super) fn keeps_data(query: &str) -> bool {
    statements(query).any(|words| {
        let said = |pair: [&str; 2]| words.windows(2).any(|found| found == pair);
        let temporary = ["temp", "temporary"]
            .iter()
            .any(|temp| ["create", "into", "local", "global"].iter().any(|before| said([before, temp])));
        temporary || (words.first().is_some_and(|word| word == "declare") && said(["with", "hold"]))
    })
}

/// The words of each statement, in small letters, without comments.
fn statements(query: &str) -> impl Iterator<Item = Vec<String>> {
    let lower = without_comments(query).to_lowercase();
    let split: Vec<Vec<String>> = lower
        .split(';')
        .map(|statement| {
            let words = statement.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
        })
        .collect();
    split.into_iter()
}

fn without_comments(query: &str) -> String {
    let mut rest = query;
    let mut kept = String::new();
    while let Some(at) = [rest.find("--"), rest.find("/*")].into_iter().flatten().min() {
        kept.push_str(&rest[..at]);
        kept.push(' ');
        let end = if rest[at..].starts_with("--") { "\n" } else { "*/" };
        let Some(behind) = rest[at + 2..].find(end) else { return kept };
        rest = &rest[at + 2 + behind + end.len()..];
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_known_by_its_last_statement() {
        for query in [
            "LISTEN jobs",
            "  listen \"a b\";",
            "select 1; LISTEN x",
            "/* pool */ listen x",
            "-- a\nLISTEN b",
        ] {
            assert!(listens(query), "{query}");
        }
        for query in ["unlisten *", "select 'listen'", "notify x", "", "select 1 -- ; listen x"] {
            assert!(!listens(query), "{query}");
        }
    }

    #[test]
    fn data_that_goes_with_the_session_is_known_by_its_last_statement() {
        for query in [
            "create temp table a (i int)",
            "CREATE TEMPORARY TABLE a AS select 1",
            "select 1 into temp a",
            "create local temp table a()",
            "declare c cursor with hold for select 1",
        ] {
            assert!(keeps_data(query), "{query}");
        }
        for query in ["create table temp (i int)", "select temp from a", "declare c cursor for select 1", ""]
        {
            assert!(!keeps_data(query), "{query}");
        }
    }
}
