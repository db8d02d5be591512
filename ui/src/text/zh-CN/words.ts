// 整个程序共用的词：按钮、名目、状态。
export default {
  app: { name: "证办通" },
  mark: { colon: "：" },
  act: {
    next: "下一步", back: "返回", cancel: "取消", close: "关闭", confirm: "确定", retry: "再试一次", refresh: "重新检查",
    save: "保存", open: "查看", continue: "继续办理", home: "回到首页", log_in: "登录", log_out: "退出登录", register: "注册账号",
    change_password: "修改密码", print: "打印", copy: "复制", copied: "已复制", show: "显示", hide: "隐藏", details: "详情", remove: "删除",
  },
  status: { saved: "已保存", saving: "正在保存…", loading: "正在读取…", working: "请稍候…", optional: "选填" },
  business: { new: "新办", change: "变更", renew: "续订", revoke: "注销", replace: "补办" },
  business_lead: {
    new: "第一次申请数字证书，从这里开始。",
    change: "单位名称、法定代表人或姓名变了，换一张写着新信息的证书。",
    renew: "证书快到期了，换一张接着用的新证书。",
    revoke: "证书不再使用，让它从此失效。",
    replace: "认证锁丢了或坏了，挂失以后重新领一张证书。",
  },
  account_kind: { enterprise: "企业", individual: "个人", authority: "主管部门" },
  id_kind: {
    resident_id: "居民身份证", passport: "护照", hk_macao_permit: "港澳居民来往内地通行证", taiwan_permit: "台湾居民来往大陆通行证",
    foreign_permanent_resident: "外国人永久居留身份证", officer_id: "军官证",
  },
  state: {
    draft: "草稿", submitted: "已提交", in_review: "审核中", needs_correction: "退回补正", approved: "审核通过", awaiting_issuance: "待制证",
    completed: "已完成", rejected: "已驳回", withdrawn: "已撤回",
  },
  next_actor: { applicant: "轮到您办理", service: "等待受理方处理", nobody: "已办结" },
  step: { handler: "经办人信息", form: "制作申请表", files: "上传电子文件", submit: "提交服务申请" },
  field: {
    kind: "账号类型",
    "organisation": {
      name: "单位名称", credit_code: "统一社会信用代码",
      legal_representative: { name: "法定代表人姓名", id_kind: "法定代表人证件类型", id_number: "法定代表人证件号码" },
    },
    contact: { name: "联系人姓名", id_kind: "联系人证件类型", id_number: "联系人证件号码" },
    applicant: { name: "姓名", id_kind: "证件类型", id_number: "证件号码" },
    person: { name: "经办人姓名", id_kind: "经办人证件类型", id_number: "经办人证件号码" },
    credit_code: "统一社会信用代码",
    phone: "手机号", email: "电子邮箱",
    address: { region: "所在地区", detail: "详细通讯地址" },
    province: "省", city: "市", district: "区县",
  },
};
