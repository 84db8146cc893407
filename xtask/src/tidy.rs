//! What the compiler doesn't check: sizes, who imports whom, licences, how panics end, settings that nobody reads, words.

use std::path::Path;

use anyhow::bail;

mod crates;
mod licences;
mod profiles;
mod rooms;
mod settings;
mod sizes;
mod source;
mod words;

/// `tidy`: every check, all offences.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let sources = source::all(root)?;
    let metadata = crates::metadata(root)?;
    let checks: [(&str, Vec<String>); 7] = [
        ("files that hide a second noun", sizes::offences(&sources)),
        ("rooms that do what is not theirs", rooms::offences(&sources)),
        ("crates that import whom they may not", crates::offences(&metadata)?),
        ("dependencies nobody agreed to", licences::offences(&metadata)?),
        ("profiles that end a process which is not ours", profiles::offences(root)?),
        ("settings that do nothing", settings::offences(&sources)),
        ("words that say where this was made", words::offences(root)?),
    ];
    let mut failed = 0;
    for (what, offences) in checks {
        if offences.is_empty() {
            continue;
        }
        failed += offences.len();
        eprintln!("{what}:");
        for offence in offences {
            eprintln!("  {offence}");
        }
    }
    if failed > 0 {
        bail!("{failed} found by tidy");
    }
    println!("tidy: {} files", sources.len());
    Ok(())
}
