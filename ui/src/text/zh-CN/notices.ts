// 通知消息。
export default {
  notices: {
    title: "通知消息", lead: "申办有了进展、证书快到期，都会在这里告诉您。",
    unread: "{count} 条未读", none_unread: "没有未读消息", menu: "通知消息，{count} 条未读", fresh: "未读",
    all_read: "全部标为已读", refresh: "刷新",
    empty: "还没有通知", empty_lead: "提交申办、领到证书以后，有事会在这里提醒您。",
    offline: "现在连不上服务", offline_lead: "下面是上次看到的通知；证书还有几天到期，是按这台电脑的时间算的。",
    today: "今天", yesterday: "昨天",
    state: {
      draft: "“{business}”还没有提交", submitted: "“{business}”已经提交", in_review: "“{business}”开始审核", needs_correction: "“{business}”退回补正", approved: "“{business}”审核通过",
      awaiting_issuance: "“{business}”审核通过，等您制证", completed: "“{business}”办好了", rejected: "“{business}”没有通过", withdrawn: "“{business}”已经撤回",
    },
    state_lead: {
      draft: "接着填写，填完再提交。",
      submitted: "等待审核人员开始审核，您不用做什么。",
      in_review: "审核人员正在核对，您不用做什么。",
      needs_correction: "有几处要您修改，改好再提交就行，编号不变。",
      approved: "受理方正在准备制证，您不用做什么。",
      awaiting_issuance: "请插入认证锁，把证书做到锁里，大约一分钟。",
      completed: "这件申办已经办结。",
      rejected: "请看驳回原因，准备好以后可以重新办理。",
      withdrawn: "这件申办已经结束。",
    },
    ends: "证书 {date}到期", ends_in: "还有 {days} 天", ends_today: "今天到期", ended: "证书已经过期", ended_on: "{date}到期",
    ends_lead: "持有者：{holder}。请尽早续订。", ended_lead: "持有者：{holder}。过期的证书不能登录和签名。", older: "持有者：{holder}",
    revoked: "证书已经注销", revoked_lead: "持有者：{holder}。它不能再用来登录和签名。",
    number: "编号 {number}",
    act_renew: "去续订", act_calendar: "加到日历", calendar_saved: "日历文件已保存：{name}。用日历软件打开它，到期前会提醒您。", calendar_gone: "认证锁里和名下都没有看到这张证书，做不了日历文件。请插入那把认证锁再试。",
  },
};
