// 选业务、选证书，变更、注销、撤回、回执，以及用认证锁签名。
export default {
  business_not: {
    new: "名下已有有效证书的，不用新办。",
    change: "只换经办人、电话或地址，不用变更，在“用户信息”里改就可以。",
    renew: "单位名称等信息也变了的，办“变更”，不用再办续订。",
    revoke: "认证锁不在手边、输不了 PIN 的，请先挂失。",
    replace: "认证锁还在、还能用的，不用补办。",
  },
  business_act: { new: "新办", change: "变更", renew: "续订", revoke: "注销", replace: "补办" },
  choose: {
    title: { new: "选择证书", change: "选择要变更的证书", renew: "选择要续订的证书", revoke: "选择要注销的证书", replace: "选择证书" },
    lead: "请选一张证书。不能选的，下面写着原因。",
    legend: "您的证书", not: "现在不能选的证书", none: "没有可以办理的证书", must: "请先选一张证书。",
    plugged: "在插着的认证锁“{key}”里", unplugged: "所在的认证锁现在没有插上",
    why: {
      revoked: "已经注销，不能再办理。", succeeded: "已由新证书接替，不用再办理。", issued: "还没有启用。请先到“我的申办”完成制证。", expired: "已经过期，不能再办理。",
      renew_later: "{date} 起可以续订。", renew_closed: "续订期限已在 {date} 结束。", busy: "正在办理{business}（{number}），办完或撤回以后才能再选。",
      unknown: "没有核实到发证机构的记录。", offline: "现在不能向服务核实。", draft: "有一份还没提交的草稿正用着它，请先提交或删除那份草稿。", other: "现在不能办理这项业务。",
    },
    lost: "认证锁丢了、坏了，或 PIN 锁死了？", lost_act: "去挂失",
  },
  about: {
    certificate: "办理的证书", holder: "持有者", until: "有效期至", serial: "序列号", reason: "注销原因",
    renew_rule: "续订以后", carries_over: "剩余的有效天数会加到新证书里。", anew: "有效期从新证书签发之日起算。",
    old_revoked: "新证书启用后，旧证书由发证机构注销。", old_stays: "新证书启用后，旧证书到期前仍然有效。",
    consequences: "办理之前，请您知道", must_tick: "请逐条看过并勾选，再继续。",
  },
  change: {
    title: "变更内容", lead: "只填有变化的项目，没有变的留空。", field: "项目", now: "现在", then: "变更后的{field}", keep: "不变更", nothing: "请至少填写一项要变更的内容。",
    same: "和现在一样，不算变更。", stays: "证书里不变的内容", to: "{from} → {to}", only_to: "改为 {to}",
  },
  merge: {
    title: "这份草稿在另一台电脑上也改过", lead: "有 {count} 项两边写得不一样。两边的内容都在，没有丢。请逐项选定用哪一个。",
    mine: "这台电脑上写的", theirs: "另一台电脑上写的", empty: "（空着）", apply: "按所选合并", left: "还有 {count} 项没有选。", open: "与另一台电脑上写的不一样，还没有选定",
  },
  sign: {
    title: "用认证锁签名，不用打印", lead: "您是用认证锁登录的，可以直接用它在申请表上签名。受理方认可这个签名，不用再打印、盖章、扫描。",
    act: "用认证锁签名", busy: "正在签名…", done: "申请表已用认证锁签名", done_lead: "签好的申请表已经放进第 3 步。如果再改前面的内容，需要重新签名。",
    paper: "改为打印、盖章、扫描", file_signed: "这份申请表已用认证锁签名，不用上传扫描件。", file_offer: "可以回到“制作申请表”，用认证锁签名，代替扫描件。",
    submit: "提交时由认证锁签名", submit_lead: "认证锁会为所交的内容签名，必要时请您输入 PIN。服务核对签名后，会给您一张回执，请保存。",
  },
  revoke: {
    title: "注销证书", lead: "注销以后，这张证书从此失效，不能恢复。", which: "要注销的证书", reason: "为什么注销", must_reason: "请选择注销的原因。",
    consequences: "注销以后会怎样", send: "注销这张证书", sending: "正在注销…", pin: "需要输入认证锁的 PIN。认证锁会为这次注销签名，服务核对后给您一张回执。",
    this_session: "这就是您登录用的证书。注销办好以后，请先保存回执；一旦退出，就不能再用它登录了。", pin_title: "输入 PIN 注销证书", pin_why: "认证锁要为这次注销签名，证明是您本人的决定。",
  },
  withdraw: {
    act: "撤回申办", title: "撤回这件申办？", lead: "撤回以后，这件申办就结束了，受理方不再审核。以后还可以重新办理，但要重新填写和提交。",
    pin: "您是用认证锁登录的，撤回也要由认证锁签名，必要时请您输入 PIN。", keep: "先不撤回", confirm: "确认撤回",
    queue: "排队撤回", drop: "不撤回了", now: "现在撤回", understood: "知道了", because: "{reason}。", not_taken: "这件申办没有撤回，仍按现在的进度办理。",
    away_lead: "可以先排队：连上服务后自动撤回。在那之前，受理方仍会照常审核；您也可以改主意，不撤回了。", offline_lead: "可以先排队：您登录以后自动撤回。在那之前，受理方仍会照常审核；您也可以改主意，不撤回了。",
    badge: { waiting: "撤回排队中", sending: "正在撤回", needs_key: "待撤回 · 需要认证锁", refused: "没有撤回成功" },
    refused_count: "有 {count} 件申办没有撤回成功", refused_lead: "原因写在申办里，申办仍按现在的进度办理。",
    queued: { waiting: "撤回已排队，连上服务后自动撤回", offline: "撤回已排队，登录以后自动撤回", sending: "正在撤回…", needs_key: "撤回需要您的认证锁签名", refused: "没有撤回成功" },
    queued_lead: { waits: "在那之前，受理方仍会照常审核；您也可以改主意。", needs_key: "请插入登录用的认证锁，点“现在撤回”，输入一次 PIN。" },
  },
  receipts: {
    title: "回执", lead: "受理方签名的凭证，写明您办了什么、什么时候办的。请保存好，有争议时可以出示。", act: { submit: "提交申办", withdraw: "撤回申办" },
    by_key: "由您的认证锁签名", by_account: "账号登录办理", save: "保存回执", saved: "已保存为“{name}”。",
  },
};
