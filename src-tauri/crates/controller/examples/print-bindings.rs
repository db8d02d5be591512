fn main(){print!("{}",certdesk_controller::bindings::typescript())}
