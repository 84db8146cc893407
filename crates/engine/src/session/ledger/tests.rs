use super::*;

fn pushed(list: &[Owed]) -> Ledger {
    let mut ledger = Ledger::default();
    for owed in list {
        ledger.push(*owed, Serve::Client, 0);
    }
    ledger
}

#[test]
fn a_simple_query_is_done_at_ready_only() {
    let mut ledger = pushed(&[Owed::Query]);
    for tag in [B::RowDescription, B::DataRow, B::CommandComplete, B::EmptyQueryResponse] {
        assert_eq!(ledger.judge(tag), Verdict::Relay);
        assert!(!ledger.is_empty());
    }
    assert_eq!(ledger.judge(B::ReadyForQuery), Verdict::Relay);
    assert!(ledger.is_empty());
    assert_eq!(ledger.judge(B::ReadyForQuery), Verdict::Misfit);
}

#[test]
fn a_foreign_reply_does_not_fit() {
    let mut ledger = pushed(&[Owed::Parse, Owed::Bind]);
    assert_eq!(ledger.judge(B::BindComplete), Verdict::Misfit);
    assert_eq!(ledger.judge(B::DataRow), Verdict::Misfit);
    assert_eq!(ledger.judge(B::CopyData), Verdict::Misfit);
    assert_eq!(ledger.judge(B::ParseComplete), Verdict::Relay);
}

#[test]
fn an_error_skips_a_simple_query_up_to_sync() {
    let mut ledger = pushed(&[Owed::Parse, Owed::Query, Owed::Sync, Owed::Query]);
    let mut undone = Vec::new();
    assert_eq!(ledger.on_error(|entry| undone.push(entry.owed)), Some(Serve::Client));
    assert_eq!(undone, [Owed::Parse, Owed::Query]);
    assert_eq!(ledger.judge(B::ReadyForQuery), Verdict::Relay);
    assert_eq!(ledger.judge(B::ReadyForQuery), Verdict::Relay);
    assert!(ledger.is_empty());
}

#[test]
fn an_error_in_a_query_skips_nothing() {
    let mut ledger = pushed(&[Owed::Query, Owed::Query]);
    assert_eq!(ledger.on_error(|_| unreachable!("nothing is skipped")), Some(Serve::Client));
    assert_eq!(ledger.judge(B::ReadyForQuery), Verdict::Relay);
    assert_eq!(ledger.len(), 1);
}

#[test]
fn messages_after_an_error_owe_nothing_before_sync() {
    let mut ledger = pushed(&[Owed::Execute]);
    ledger.on_error(|_| {});
    assert!(!ledger.is_empty());
    ledger.push(Owed::Query, Serve::Client, 0);
    ledger.push(Owed::Bind, Serve::Client, 0);
    assert_eq!(ledger.len(), 0);
    ledger.push(Owed::Sync, Serve::Client, 0);
    assert_eq!(ledger.judge(B::ReadyForQuery), Verdict::Relay);
    assert!(ledger.is_empty());
}

#[test]
fn sync_inside_copy_in_owes_nothing() {
    let mut ledger = pushed(&[Owed::Execute, Owed::Sync]);
    assert_eq!(ledger.judge(B::CopyInResponse), Verdict::Relay);
    ledger.push(Owed::Sync, Serve::Client, 0);
    ledger.push(Owed::CopyEnd, Serve::Client, 0);
    ledger.push(Owed::Sync, Serve::Client, 0);
    assert_eq!(ledger.judge(B::CommandComplete), Verdict::Relay);
    assert_eq!(ledger.judge(B::ReadyForQuery), Verdict::Relay);
    assert!(ledger.is_empty());
}

#[test]
fn a_sync_that_is_ignored_ends_no_batch() {
    let mut ledger = pushed(&[Owed::Execute, Owed::Sync]);
    assert_eq!(ledger.judge(B::CopyInResponse), Verdict::Relay);
    assert!(ledger.wants_sync());
    ledger.push(Owed::CopyEnd, Serve::Client, 0);
    assert_eq!(ledger.judge(B::CommandComplete), Verdict::Relay);
    assert!(!ledger.is_empty(), "its transaction is open");
    ledger.push(Owed::Sync, Serve::Client, 0);
    assert_eq!(ledger.judge(B::ReadyForQuery), Verdict::Relay);
    assert!(ledger.is_empty());
}

#[test]
fn a_copy_sent_in_one_burst_counts_the_last_sync_only() {
    let mut ledger = pushed(&[Owed::Execute, Owed::Sync, Owed::CopyEnd, Owed::Sync]);
    assert_eq!(ledger.judge(B::CopyInResponse), Verdict::Relay);
    assert_eq!(ledger.judge(B::CommandComplete), Verdict::Relay);
    assert_eq!(ledger.judge(B::ReadyForQuery), Verdict::Relay);
    assert!(ledger.is_empty());
}

#[test]
fn late_copy_done_owes_nothing() {
    let mut ledger = pushed(&[Owed::Query]);
    assert_eq!(ledger.judge(B::CopyInResponse), Verdict::Relay);
    ledger.on_error(|_| {});
    ledger.push(Owed::CopyEnd, Serve::Client, 0);
    assert_eq!(ledger.judge(B::ReadyForQuery), Verdict::Relay);
    assert!(ledger.is_empty());
}
