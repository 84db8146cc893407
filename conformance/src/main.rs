//! Shows what a scenario says: `conformance show [--mode session|transaction] NAME...`, `conformance list`.
//!
//! For writing scenarios; the test is `cargo test -p connwarden-conformance`.

use anyhow::{Result, bail};
use conformance::compare;
use conformance::suite::{Book, House, told};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let book = Book::read()?;
    match arguments.as_slice() {
        ["list"] => book.scenarios.iter().for_each(|scenario| println!("{}", scenario.name)),
        ["show", "--mode", mode, names @ ..] => show(&book, Some(mode), names)?,
        ["show", names @ ..] => show(&book, None, names)?,
        _ => bail!("conformance list | show [--mode MODE] PART_OF_A_NAME..."),
    }
    Ok(())
}

fn show(book: &Book, mode: Option<&str>, names: &[&str]) -> Result<()> {
    let mut house = House::open()?;
    let wanted = |name: &str| names.is_empty() || names.iter().any(|part| name.contains(part));
    for scenario in book.scenarios.iter().filter(|scenario| wanted(&scenario.name)) {
        println!("== {}", scenario.name);
        let direct = match house.direct(scenario) {
            Ok(direct) => direct,
            Err(error) => {
                println!("{error:#}");
                continue;
            }
        };
        let Some(mode) = mode else {
            print!("{}", told(&direct));
            continue;
        };
        let through = house.through(scenario, mode)?;
        compare::difference(&direct.transcript, &through.transcript)
            .iter()
            .for_each(|line| println!("{line}"));
        through.broke.iter().for_each(|broke| println!("! {broke}"));
    }
    Ok(())
}
