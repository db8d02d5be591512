//! The campaign in short: each act with each fault in the one call that matters most to it. `cargo xtask faults --token`
//! plays all of it.

use anyhow::Result;
use faults::{Act, Fault, Lab};

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_each_act_is_told_and_costs_nothing() -> Result<()> {
    let lab = Lab::new().await?;
    let heart = |act| match act {
        Act::List => "C_GetTokenInfo",
        Act::Login => "C_Login",
        Act::Sign => "C_Sign",
        Act::Generate => "C_GenerateKeyPair",
        Act::Write => "C_CreateObject",
        Act::ChangePin => "C_SetPIN",
    };
    for act in Act::ALL {
        let rehearsal = lab.rehearse(act).await?;
        assert!(rehearsal.calls.iter().any(|call| call == heart(act)), "{act:?} calls {}", heart(act));
        for fault in Fault::ALL {
            let case = lab.play(act, heart(act), fault, &rehearsal).await?;
            assert_eq!(case.complaint, None, "{case:?}");
        }
    }
    Ok(())
}
