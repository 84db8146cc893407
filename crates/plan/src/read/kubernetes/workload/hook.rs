//! Hooks of Helm and Argo CD: what runs at a point of a rollout, and what does not run in rollouts at all.

use crate::Text;
use crate::read::kubernetes::objects::Object;

/// What makes a tool run an object at a point of a rollout.
pub(super) struct Hook {
    pub(super) word: Text,
    /// Whether it runs in rollouts: not only in tests or at a removal.
    pub(super) in_rollouts: bool,
}

/// The hook an object is annotated with; Argo CD's own goes before Helm's, as it does there.
pub(super) fn hook(object: &Object<'_>) -> Option<Hook> {
    let helm = ["install", "upgrade", "rollback"];
    let argo = ["PreSync", "Sync", "PostSync", "SyncFail"];
    let of_helm = object.annotation("helm.sh/hook").map(|word| {
        let in_rollouts = word.text.split(',').any(|one| helm.iter().any(|name| one.trim().ends_with(name)));
        Hook { word, in_rollouts }
    });
    let of_argo = object.annotation("argocd.argoproj.io/hook").map(|word| {
        let in_rollouts = word.text.split(',').any(|one| argo.contains(&one.trim()));
        Hook { word, in_rollouts }
    });
    of_argo.or(of_helm)
}
