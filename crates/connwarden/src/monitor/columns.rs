//! The columns of each view: what they are called, how wide they are, which way they sort.

/// Which way a column sorts when it is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Names: A first.
    Ascending,
    /// Numbers: the largest first.
    Descending,
    /// Not at all.
    None,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// Cells it needs.
    pub(crate) min: u16,
    /// Cells it takes where there is room.
    pub(crate) max: u16,
    /// Shown from this width of the screen.
    pub(crate) from: u16,
    pub(crate) right: bool,
    pub(crate) order: Order,
}

const fn name(title: &'static str, min: u16, max: u16, from: u16) -> Column {
    Column { title, min, max, from, right: false, order: Order::Ascending }
}

const fn number(title: &'static str, width: u16, from: u16) -> Column {
    Column { title, min: width, max: width, from, right: true, order: Order::Descending }
}

const fn picture(title: &'static str, min: u16, max: u16, from: u16) -> Column {
    Column { title, min, max, from, right: false, order: Order::None }
}

/// Groups; the title of the first column is that of the key they are grouped by.
pub(crate) mod apps {
    use super::*;
    pub(crate) const NAME: usize = 0;
    pub(crate) const CONN: usize = 1;
    pub(crate) const PLAN: usize = 2;
    pub(crate) const ACTIVE: usize = 3;
    pub(crate) const IDLE: usize = 4;
    pub(crate) const TX: usize = 5;
    pub(crate) const OLDEST: usize = 6;
    pub(crate) const P95: usize = 7;
    pub(crate) const OLDEST_TX: usize = 8;
    pub(crate) const WAITING: usize = 9;
    pub(crate) const HOSTS: usize = 10;
    pub(crate) const TREND: usize = 11;
    /// Without a plan, or grouped by what no plan knows: the place of PLAN stays, and nobody sees it or sorts by it.
    pub(crate) const ALL: [Column; 12] =
        all(Column { order: Order::None, ..number("PLAN", 10, u16::MAX) }, 0, 100);
    /// Beside a plan. Where there is little room, the column of P95 gives way.
    pub(crate) const PLANNED: [Column; 12] = all(number("PLAN", 10, 0), 90, 102);

    const fn all(plan: Column, p95_from: u16, oldest_tx_from: u16) -> [Column; 12] {
        [
            name("APPLICATION", 16, 44, 0),
            number("CONN", 5, 0),
            plan,
            number("ACT", 4, 0),
            number("IDLE", 5, 0),
            number("TX", 4, 0),
            number("OLDEST", 8, 0),
            number("P95 IDLE", 9, p95_from),
            number("OLDEST TX", 10, oldest_tx_from),
            number("LOCK", 5, 100),
            number("HOSTS", 6, 0),
            picture("TREND", 8, 60, 0),
        ]
    }
}

/// Sessions.
pub(crate) mod sessions {
    use super::*;
    pub(crate) const PID: usize = 0;
    pub(crate) const APP: usize = 1;
    pub(crate) const USER: usize = 2;
    pub(crate) const DB: usize = 3;
    pub(crate) const CLIENT: usize = 4;
    pub(crate) const STATE: usize = 5;
    pub(crate) const AGE: usize = 6;
    pub(crate) const TX: usize = 7;
    pub(crate) const WAIT: usize = 8;
    pub(crate) const QUERY: usize = 9;
    pub(crate) const ALL: [Column; 10] = [
        Column { order: Order::Ascending, ..number("PID", 7, 0) },
        name("APPLICATION", 14, 32, 0),
        name("USER", 8, 16, 0),
        name("DB", 8, 16, 100),
        name("CLIENT", 15, 22, 110),
        name("STATE", 10, 10, 0),
        number("AGE", 8, 0),
        number("TX AGE", 8, 0),
        name("WAITS FOR", 18, 26, 130),
        picture("STATEMENT", 12, 250, 0),
    ];
}

/// Who waits for whom.
pub(crate) mod blocking {
    use super::*;
    pub(crate) const PID: usize = 0;
    pub(crate) const APP: usize = 1;
    pub(crate) const USER: usize = 2;
    pub(crate) const DB: usize = 3;
    pub(crate) const DOES: usize = 4;
    pub(crate) const FOR: usize = 5;
    pub(crate) const QUERY: usize = 6;
    pub(crate) const ALL: [Column; 7] = [
        picture("WHO", 14, 24, 0),
        picture("APPLICATION", 14, 32, 0),
        picture("USER", 8, 16, 100),
        picture("DB", 8, 16, 110),
        picture("DOES", 18, 30, 0),
        Column { order: Order::None, ..number("FOR", 8, 0) },
        picture("STATEMENT", 14, 250, 0),
    ];
}

/// Limits of roles and databases.
pub(crate) mod limits {
    use super::*;
    pub(crate) const KIND: usize = 0;
    pub(crate) const NAME: usize = 1;
    pub(crate) const USED: usize = 2;
    pub(crate) const LIMIT: usize = 3;
    pub(crate) const SHARE: usize = 4;
    pub(crate) const BAR: usize = 5;
    pub(crate) const ALL: [Column; 6] = [
        name("LIMIT OF", 9, 9, 0),
        name("NAME", 16, 44, 0),
        number("USED", 6, 0),
        number("LIMIT", 6, 0),
        number("USED %", 7, 0),
        picture("", 16, 60, 0),
    ];
}

/// Services beside the plan.
pub(crate) mod plan {
    use super::*;
    pub(crate) const SERVICE: usize = 0;
    pub(crate) const HELD: usize = 1;
    pub(crate) const PEAK: usize = 2;
    pub(crate) const ROLLOUT: usize = 3;
    pub(crate) const USED: usize = 4;
    pub(crate) const BAR: usize = 5;
    pub(crate) const NAMES: usize = 6;
    pub(crate) const ALL: [Column; 7] = [
        name("SERVICE", 16, 32, 0),
        number("HELD", 5, 0),
        number("PEAK", 5, 0),
        number("ROLLOUT", 8, 0),
        number("USED %", 8, 0),
        picture("", 10, 24, 0),
        picture("NAMES", 16, 250, 0),
    ];
}

/// Events.
pub(crate) mod events {
    use super::*;
    pub(crate) const TIME: usize = 0;
    pub(crate) const WHAT: usize = 1;
    pub(crate) const ALL: [Column; 2] = [picture("TIME", 8, 8, 0), picture("WHAT", 20, 250, 0)];
}

/// Where each column stands on a screen of `width` cells, apart by one cell: place and width; `None` where there is no
/// room for it.
pub(crate) fn places(columns: &[Column], width: u16) -> Vec<Option<(u16, u16)>> {
    let mut widths: Vec<u16> =
        columns.iter().map(|column| if width >= column.from { column.min } else { 0 }).collect();
    let taken =
        |widths: &[u16]| widths.iter().filter(|w| **w > 0).map(|w| w + 1).sum::<u16>().saturating_sub(1);
    let mut room = width.saturating_sub(taken(&widths));
    for (column, width) in columns.iter().zip(&mut widths).filter(|(_, width)| **width > 0) {
        let more = (column.max - column.min).min(room);
        *width += more;
        room -= more;
    }
    let mut at = 0;
    widths
        .into_iter()
        .map(|cells| {
            let cells = cells.min(width.saturating_sub(at));
            let place = (cells > 0).then_some((at, cells));
            at += if cells > 0 { cells + 1 } else { 0 };
            place
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_at_every_width_and_do_not_overlap() {
        for columns in [
            &apps::ALL[..],
            &apps::PLANNED[..],
            &sessions::ALL[..],
            &blocking::ALL[..],
            &limits::ALL[..],
            &events::ALL[..],
            &plan::ALL[..],
        ] {
            for width in [1, 20, 77, 78, 90, 99, 100, 102, 118, 198, 400] {
                let mut free = 0;
                for (at, cells) in places(columns, width).into_iter().flatten() {
                    assert!(at >= free && at + cells <= width, "{width}");
                    free = at + cells + 1;
                }
            }
            assert!(columns.iter().zip(places(columns, 77)).all(|(c, place)| c.from > 77 || place.is_some()));
        }
    }
}
