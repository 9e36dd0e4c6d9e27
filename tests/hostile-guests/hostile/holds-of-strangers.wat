;; Holds a step that is not planned.
;; expect: run Nonsense step row 77
;; hook: review
;; declarations
(data (i32.const 3072) "\00\00\00\00\00\20\00\00\01\00\00\00\04\20\00\00\01\00\00\00")
(data (i32.const 8192) "\4d\00\00\00\01\00\00\00")
;; body
(call $drop (local.get 0)) (i32.const 3072)
