;; Cannot answer, in bytes that are no UTF-8.
;; expect: run Trap
;; declarations
(data (i32.const 3072) "\01\00\00\00\00\10\00\00\02\00\00\00")
(data (i32.const 4096) "\c3\28")
;; body
(call $drop (local.get 0)) (i32.const 3072)
