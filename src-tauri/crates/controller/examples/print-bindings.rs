//! Prints the window's TypeScript bindings; `cargo xtask tidy` writes them to `ui/src/bindings.ts`.

fn main() {
    print!("{}", certdesk_controller::bindings::typescript());
}
