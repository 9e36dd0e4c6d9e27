;; Cannot answer, and says so at length.
;; expect: run Declined …
;; declarations
(data (i32.const 3072) "\01\00\00\00\00\10\00\00\60\ea\00\00")
(data (i32.const 4096) "sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry sorry ")
;; body
(call $drop (local.get 0)) (i32.const 3072)
