;; 300 kinds of virtual pods.
;; expect: run Nonsense 300 kinds
;; hook: headroom
;; declarations
(data (i32.const 3072) "\00\00\00\00\00\10\00\00\2c\01\00\00\00\10\00\00\2c\01\00\00\00\10\00\00\2c\01\00\00\00\10\00\00\2c\01\00\00")
(data (i32.const 8192) "")
;; body
(call $drop (local.get 0)) (i32.const 3072)
