//! GTK's list of recently used files, which every program of the same person reads and which outlives this one: its file
//! dialog adds what is picked. What nobody but this program added is taken out again. (The setting that turns the list off
//! would empty it of everybody's.)

use gtk::prelude::*;

/// Keeps this program's picks out of the list from here on; those of earlier runs go too. On the main thread.
pub(crate) fn keep_out() {
    let Some(list) = gtk::RecentManager::default() else { return };
    take_out(&list);
    list.connect_changed(take_out);
}

fn take_out(list: &gtk::RecentManager) {
    let Some(this) = gtk::glib::application_name() else { return };
    for item in list.items() {
        if item.applications().iter().all(|name| *name == this)
            && let Some(uri) = item.uri()
            && let Err(error) = list.remove_item(&uri)
        {
            // Its words name the file.
            tracing::warn!(kind = ?error.kind::<gtk::RecentManagerError>(), "a picked file stays among the recent ones");
        }
    }
}
