// 四步申办向导与受理回执。
export default {
  guide: {
    title: "服务申办向导", steps: "服务申办向导", back: "上一步", go_to: "前往“{step}”", remark: "审核意见",
    saved_at: "已保存 {time}", not_saved: "有内容还没有保存", save_again: "再保存一次", not_saved_lead: "刚填的内容还在页面上，没有丢。程序会自动再试，您也可以现在就试。",
    handed_in: "这件申办已经提交", handed_in_lead: "内容不能再改。进度和结果可以在“我的申办”里查看。", to_application: "查看这件申办",
    correction: { title: "这件申办需要补正", lead: "只改审核人员指出的地方，改好后再提交一次。其他内容不用动，申办编号不变。" },
    notes: {
      title: "{business}须知", lead: "开始之前，花一分钟看看需要准备什么。", know: "申办须知", files: "需要的材料",
      ca: "发证机构", fees: "费用", validity: "证书有效期", years: "{years} 年", helpdesk: "咨询", accept: "我已阅读，开始填写", again: "再看一遍须知",
    },
    handler: {
      lead: "能带入的内容已经替您填好，请核对。边填边存，随时可以离开。",
      unit: "单位", person: "经办人", address: "通讯地址", unchanged: "不需要改动的内容", lead_change: "先填写有变化的内容，再核对经办人信息。边填边存，随时可以离开。",
      phone_hint: "受理人员有疑问时，会打这个电话", email_hint: "用来接收办理通知",
      form_again: "改动后，申请表会重新生成，需要重新打印、签字盖章并上传。",
    },
    form: {
      lead: "申请表已按您填写的内容生成，请先核对，再保存或打印。", lead_sign: "申请表已按您填写的内容生成。请先核对，再签名。", making: "正在制作申请表…", label: "申请表", save_copy: "保存副本", saved: "已保存为“{name}”。",
      then: "接下来", then_print: "打印申请表；这台电脑没接打印机，可以保存副本拿去打印。", then_seal: "经办人签字，并加盖单位公章。", then_sign: "本人签字。", then_scan: "彩色扫描，或用手机拍清楚。", then_upload: "到第 3 步上传。",
      rare_title: "有的字还印不出来", rare_lead: "申请表的字库里没有“{glyphs}”。程序不会用空格或方框代替，所以先停在这里。请核对是否输入正确；确实是这个字，请联系发证机构协助办理。填写的内容都已保存。", rare_check: "回去核对",
    },
    pdf: { page: "第 {page} 页，共 {pages} 页", zoom: "缩放", smaller: "缩小", larger: "放大", fit: "适合宽度", failed: "这份 PDF 打不开，可能已损坏。" },
    consent: {
      title: "敏感个人信息单独同意", lead: "接下来要上传证件和承诺视频，需要先征得您的单独同意。",
      accept: "我已阅读，单独同意处理上述敏感个人信息", must_accept: "请读完并勾选，再继续上传。不同意的话，可以到受理网点当面办理。", next: "同意并继续",
    },
    files: {
      lead: "选好文件就开始上传，断网、关闭程序都不怕，会接着传。", progress: "材料上传进度", met: "已备齐 {met} 项，共 {asked} 项",
      pick: "选择文件", pick_more: "再选一个", or_drop: "也可以把文件拖到这里", full: "数量已够。要更换，请先删除原来的文件。", unchanged: "这一项不需要补正。",
      and: "、", or: " 或 ",
      missed: "请把文件拖到对应的那一项材料上，再松开鼠标。", at_most: "每个不超过 {size}", count_exact: "{max} 个文件", count_most: "最多 {max} 个文件", count_between: "{min} 到 {max} 个文件", seconds: "{min} 到 {max} 秒",
      asked: "这一项要求：{asked}", pixels: "{width} × {height} 像素", length: "时长 {length}", elsewhere: "已在服务端，文件不在这台电脑上",
      state_done: "已上传", state_uploading: "上传中", state_missing: "待上传", state_failed: "没传上去", state_optional: "选填",
      form_outdated: "申请表的内容改过了。如果这份是改动之前的，请删除它，重新打印、签字盖章后再上传。", next_anyway: "先看下一步",
    },
    upload: {
      queued: "排队等待上传", hashing: "正在读取文件…", sending: "已上传 {done}，共 {total}", waiting: "等待网络", waiting_because: "{reason}，恢复后自动接着传。", done: "已上传", failed: "没有传上去", cancelled: "已停止上传",
      progress: "上传进度", cancel: "停止上传", again: "继续上传", said_done: "{name} 已上传。", said_failed: "{name} 没有传上去。",
    },
    remove: { title: "删除这个文件？", lead: "“{name}”会从这件申办里删除。您电脑上的原文件不受影响。", confirm: "删除" },
    preview: { picture: "{name} 的预览", too_large: "文件太大，不在这里预览。它会照常上传。", damaged: "这张图片显示不出来，可能已损坏。请用其他程序打开看看，必要时重新扫描。", unplayable: "这台电脑缺少播放这种视频的组件，所以放不出来。视频照常上传，不影响办理；想先看看，请用其他播放器打开。" },
    script: { label: "请读这段话", open: "大字显示，对着读", title: "承诺词", lead: "请本人正面出镜，用手机录制，读完整段，时长 {min} 到 {max} 秒。", size: "字号", smaller: "字小一点", larger: "字大一点" },
    submit: {
      lead: "请最后核对一遍。提交后，材料会交给受理方审核。", lead_open: "差一点就可以提交了，请先处理下面的事项。", open: "还有 {count} 项没有完成",
      open_consent: "还没有同意处理敏感个人信息", open_missing: "{title}：文件还不够", open_form: "{title}：还没有签名，也没有上传扫描件", open_consequences: "须知还没有逐条勾选", open_uploading: "{title}：还在上传", open_failed: "{title}：没有传上去", open_cancelled: "{title}：已停止上传",
      subject: "申办业务", business: "业务", account: "申请人类型", files: "申请表与电子文件", form: "申请表", form_made: "已制作，{pages} 页，{size}", look: "去看看",
      declare: "我声明：以上内容和所交材料真实、完整、有效", declare_lead: "如有不实，由申请人承担相应责任。", must_declare: "请勾选声明，再提交。", send: "提交申请", send_again: "再次提交", sending: "正在提交…",
    },
  },
  receipt: {
    title: { submitted: "已提交", ready: "已受理，可以制证了", revoked: "证书已注销", done: "已办好" },
    lead: { submitted: "材料已经交给受理方。您现在可以关闭程序。", ready: "这项业务不用等审核。插好认证锁，现在就可以制作新证书。", revoked: "这张证书从此失效，并会在“注销公告”里公布。", done: "这件申办已经办完。" },
    proof: "签名", file: "签名回执", file_lead: "请保存一份。以后有争议，它能证明您交了什么、什么时候交的。", business: "业务", issue: "现在制证", number: "申办编号", time: "提交时间", actor: "下一步", copy: "复制编号",
    next: "接下来会怎样", review: "受理方审核材料", review_lead: "您不用做什么，进度在“我的申办”里随时能看到。",
    correction: "如需补正，会逐项写明原因", correction_lead: "到“我的申办”里打开，只改被指出的地方。",
    issuance: "审核通过后，制作证书", issuance_lead: "插入认证锁，输入 PIN，在本程序里自己完成。", published: "审核通过后，证书注销", published_lead: "证书从此失效，并在“注销公告”里公布。", applications: "查看我的申办", helpdesk: "有疑问请联系：{helpdesk}",
  },
};
