//! Active Record: a pool for each process; `pool` of database.yml, which Rails' own reads from RAILS_MAX_THREADS.

use super::{Ground, Pooled};
use crate::Number;
use crate::pools::{Pool, lines, literal, sums};

const SIZES: [&str; 7] = [
    "DB_POOL",
    "DATABASE_POOL",
    "RAILS_DB_POOL",
    "DB_POOL_SIZE",
    "DATABASE_POOL_SIZE",
    "RAILS_MAX_CONNECTIONS",
    "RAILS_MAX_THREADS",
];

pub(super) fn pooled(ground: &Ground) -> Pooled {
    let told = ground.told;
    let of_url = ["pool", "max_connections"].iter().find_map(|name| {
        let text = ground.target.parameter(name)?;
        told.number(&text.text, &text.place, "pool")
    });
    let of_file = || {
        let pairs = told.file("config/database.yml").map(lines::pairs)?;
        let pair = lines::last(&pairs, &["pool:", "max_connections:"])?;
        literal::ruby(pair.value, &pair.place, "pool", told)
    };
    let size = of_url.or_else(of_file).or_else(|| told.variable(&SIZES));
    let most = match size {
        Some(size) => {
            ground.compare(&size, "pool");
            ground.grows_no_further(&size).unwrap_or(size)
        }
        None => not_told(ground),
    };
    Pooled { library: "Active Record", pool: Pool { kept: sums::at_most(Number::implied(1), &most), most } }
}

/// Five, or as many as the program was told to use: whoever raises threads raises the pool in a file that is not seen.
fn not_told(ground: &Ground) -> Number {
    let five = Number::assumed(
        5,
        "Active Record opens up to 5: pool in DATABASE_URL, DB_POOL and RAILS_MAX_THREADS are not set",
    );
    match ground.usable() {
        Some(usable) if usable.value > five.value => Number::assumed(
            usable.value,
            format!(
                "a pool of {} assumed, as many as {} can use: Active Record's own default is 5, and \
                    pool in database.yml is not seen",
                usable.value, ground.launch.program
            ),
        ),
        _ => ground.by_default("Active Record", five),
    }
}
