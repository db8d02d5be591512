//! The shell: the only crate that knows Tauri. It opens the window, forwards calls to the controller and events to the
//! page, and asks for files by the system's dialogs. Everything a person can do is in `crates/controller`.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod commands;
mod dialogs;
mod environment;
mod notification;
#[cfg(target_os = "linux")]
mod recent;
mod start;
mod web_view;
mod window;

use certdesk_controller::Controller;
use tauri::Manager;

fn main() {
    environment::refuse_automation();
    environment::log_to_stderr();
    certdesk_controller::crash::leave_nothing_personal();
    #[cfg(target_os = "linux")]
    web_view::spare_shared_buffers();
    let start = match start::read(std::env::args_os().skip(1)) {
        Ok(start) => start,
        Err(refusal) => {
            eprintln!("certdesk: {refusal}");
            std::process::exit(2);
        }
    };

    let mut builder = tauri::Builder::default();
    if start.single {
        // First in the list: a second start must not get as far as a second window.
        builder = builder.plugin(tauri_plugin_single_instance::init(|app, _, _| {
            window::bring_up(app);
            // The first start may not be that far yet; its window comes up all the same.
            if let Some(controller) = app.try_state::<Controller>() {
                controller.second_start();
            }
        }));
    }
    builder
        .invoke_handler(commands::handler())
        .setup(move |app| {
            let desk = start.desk;
            let runtime = tauri::async_runtime::handle();
            let _inside = runtime.inner().enter();
            // First: the web view's own processes start while the rest is got ready. No page speaks before this is over.
            let window = window::open_main(app.handle())?;
            let controller = Controller::start(start.options(app.handle().clone()));
            app.manage(controller.clone());
            // Read while the web view starts, so that the first page is drawn as it was left.
            let settings = controller.clone();
            runtime.inner().spawn(async move { settings.load_settings().await });
            window::hand_over_dropped(&window, &controller);
            #[cfg(target_os = "linux")]
            recent::keep_out();
            if desk {
                window::open_desk(app.handle())?;
            }
            window::forward_events(app.handle().clone(), &controller);
            Ok(())
        })
        .run(tauri::generate_context!())
        .expect("the window system starts");
}
