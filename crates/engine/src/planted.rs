//! Faults that are planted on purpose, to see whether the simulator finds them. Without the feature `planted` there are none.
//!
//! Each says where it sits. A fault that no seed finds is a hole in the simulator, not a triumph of the engine.

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// Release: the ledger is not asked; ReadyForQuery with status idle is enough.
    ReleasedWithRepliesOwed,
    /// Registry: a statement counts as registered when its Parse is sent, and an error does not take it back
    /// (`undo` of `Owed::Parse`).
    RegisteredBeforeParseComplete,
    /// The client's own map: a Parse that failed or was skipped stays known (`undo`, the client's half).
    ClientKeepsFailedParse,
    /// Cancels: a request leads to the server its client held when it came, whoever holds it now.
    CancelByServer,
    /// Release: a server is lent though a cancel request aimed at it has not ended (`CancelWait` is skipped).
    LentBeforeCancelEof,
    /// Line: a waiter whose connection is gone stays in line and is handed a server.
    DeadWaiterKept,
    /// Credits: a dial that is refused or times out does not give its credit back.
    PermitLost,
    /// Ledger: after a hidden ParseComplete the next ParseComplete is swallowed too.
    SwallowedOnceTooOften,
    /// Ledger: a Sync that is sent while COPY data is awaited is counted as owed (`ignores_sync` says no).
    SyncCountedInCopyIn,
    /// Ledger: a Sync that a COPY has made the server ignore ends the batch all the same (`begin_copy_in`).
    IgnoredSyncEndsBatch,
    /// Ledger: after an error the made replies that stand behind it are given all the same.
    MadeReplyAfterError,
    /// Release: taint is not looked at; the server rests unclean.
    TaintIgnored,
    /// Line: the last to join is served first.
    LastInFirstOut,
    /// Link: NotificationResponse is forwarded in transaction mode.
    NotificationForwarded,
    /// Preparing: a client's settings are not compared; the server is lent with whatever it has.
    SettingsSkipped,
    /// Forward: Bind of the unnamed statement goes out though this server holds another's, without the hidden Parse.
    UnnamedNotSent,
    /// Credits: a closing server's credit comes back with the goodbye, not with its EOF.
    ClosingFreedAtOnce,
    /// Forward: the Close of an evicted statement is sent at once, in front of what was made but not sent yet.
    EvictionOvertakes,
    /// Ledger: a Query behind an error, which the server skips, is counted as owed.
    QueryAfterErrorOwed,
    /// Back: a ParameterStatus that answers a client's own SET is not kept as its wish, so its next server lacks it.
    OwnSettingLost,
    /// Prepare: RESET is left out, so a setting that only the last client had stays for the next one.
    SettingNotReset,
    /// Release: the transaction's status is not asked; an empty ledger is enough.
    ReleasedInTransaction,
    /// Leaving: the transaction that a client left open is not rolled back, and its server is lent on.
    AbandonedServerReused,
    /// Statements: DEALLOCATE ALL and DISCARD ALL don't clear the server's registry.
    RegistryNotCleared,
    /// Statements: 0A000 does not void the registrations of the statement.
    PlanNotHealed,
    /// Statements: the key of a shared statement forgets the declared types and takes the text's first 16 bytes only.
    StatementKeyTooShort,
    /// Contract: after `Backlogged` the other side is held and never read again.
    HeldForEver,
    /// Line: a server that comes to rest stays idle though somebody waits, until the next checkout.
    IdleBesideWaiter,
    /// In-line cancel: the query or Sync that ends a cancelled request is answered and carried out all the same.
    CancelledBatchKept,
    /// Contract: the connection of a client that is sent away is closed twice.
    ClosedTwice,
    /// Simple query: it is not taken to destroy the unnamed statement on the server.
    QueryKeepsUnnamed,
    /// Forward: a statement that needs a database vacant is sent at once.
    NotVacated,
    /// Pool: a database is called vacant with the goodbyes to its servers, not with their EOF.
    VacantBeforeEof,
    /// Pool: a server that comes back rests, though its database must be vacant.
    RestsInVacated,
    /// Link: the end of a statement that needed a database vacant is not told.
    VacancyNeverOver,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 35] = [
        Fault::ReleasedWithRepliesOwed,
        Fault::RegisteredBeforeParseComplete,
        Fault::ClientKeepsFailedParse,
        Fault::CancelByServer,
        Fault::LentBeforeCancelEof,
        Fault::DeadWaiterKept,
        Fault::PermitLost,
        Fault::SwallowedOnceTooOften,
        Fault::SyncCountedInCopyIn,
        Fault::IgnoredSyncEndsBatch,
        Fault::MadeReplyAfterError,
        Fault::TaintIgnored,
        Fault::LastInFirstOut,
        Fault::NotificationForwarded,
        Fault::SettingsSkipped,
        Fault::UnnamedNotSent,
        Fault::ClosingFreedAtOnce,
        Fault::EvictionOvertakes,
        Fault::QueryAfterErrorOwed,
        Fault::OwnSettingLost,
        Fault::SettingNotReset,
        Fault::ReleasedInTransaction,
        Fault::AbandonedServerReused,
        Fault::RegistryNotCleared,
        Fault::PlanNotHealed,
        Fault::StatementKeyTooShort,
        Fault::HeldForEver,
        Fault::IdleBesideWaiter,
        Fault::CancelledBatchKept,
        Fault::ClosedTwice,
        Fault::QueryKeepsUnnamed,
        Fault::NotVacated,
        Fault::VacantBeforeEof,
        Fault::RestsInVacated,
        Fault::VacancyNeverOver,
    ];
}

/// The fault planted here, if any: a thing of size nothing without the feature `planted`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Planted {
    #[cfg(feature = "planted")]
    fault: Option<Fault>,
}

impl Planted {
    /// This fault.
    #[cfg(feature = "planted")]
    pub fn new(fault: Fault) -> Self {
        Self { fault: Some(fault) }
    }

    /// Is it this one?
    #[inline(always)]
    pub fn is(self, fault: Fault) -> bool {
        #[cfg(feature = "planted")]
        return self.fault == Some(fault);
        #[cfg(not(feature = "planted"))]
        {
            let _ = fault;
            false
        }
    }
}
