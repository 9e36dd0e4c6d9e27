;; Two million virtual pods.
;; expect: run Nonsense virtual pods
;; hook: headroom
;; declarations
(data (i32.const 3072) "\00\00\00\00\00\20\00\00\01\00\00\00\00\20\00\00\01\00\00\00\00\20\00\00\01\00\00\00\00\20\00\00\01\00\00\00")
(data (i32.const 8192) "\80\84\1e\00")
;; body
(call $drop (local.get 0)) (i32.const 3072)
