//! `drag-source X Y FILE…`: a small window that offers files to be dragged out of it, as a file manager does. It ends when
//! they were dropped.

#[cfg(target_os = "linux")]
fn main() {
    use gtk::{
        TargetEntry, TargetFlags, WindowType,
        gdk::{DragAction, ModifierType},
        glib,
        prelude::*,
    };
    use std::path::absolute;

    gtk::init().expect("there is a display");
    let mut arguments = std::env::args().skip(1);
    let mut place = || arguments.next().and_then(|number| number.parse::<i32>().ok()).expect("a place on the screen");
    let (x, y) = (place(), place());
    let addresses: Vec<String> = arguments
        .map(|file| absolute(file).expect("a path"))
        .map(|file| glib::filename_to_uri(file, None).expect("an address").into())
        .collect();

    let window = gtk::Window::new(WindowType::Toplevel);
    window.set_decorated(false);
    window.set_title("drag-source");
    window.set_default_size(60, 60);
    let files = gtk::EventBox::new();
    let target = TargetEntry::new("text/uri-list", TargetFlags::empty(), 0);
    files.drag_source_set(ModifierType::BUTTON1_MASK, &[target], DragAction::COPY);
    files.connect_drag_data_get(move |_, _, data, _, _| {
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        data.set_uris(&addresses);
    });
    files.connect_drag_end(|_, _| gtk::main_quit());
    window.add(&files);
    window.show_all();
    window.move_(x, y);
    gtk::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {}
