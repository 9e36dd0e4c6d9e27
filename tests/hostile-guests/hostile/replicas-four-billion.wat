;; More replicas than can be meant.
;; expect: run Nonsense 4294967295 replicas
;; hook: scaler
;; declarations
(data (i32.const 3072) "\00\00\00\00\00\20\00\00\01\00\00\00\04\20\00\00\01\00\00\00\00\20\00\00\01\00\00\00")
(data (i32.const 8192) "\00\00\00\00\ff\ff\ff\ff")
;; body
(call $drop (local.get 0)) (i32.const 3072)
