;; No component.
;; expect: load CoreModule
(module (func (export "place")))
