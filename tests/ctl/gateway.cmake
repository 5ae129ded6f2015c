jitwg_test(ctl_gateway_test
  SOURCES gateway/key_file_test.cc gateway/plan_test.cc gateway/route_message_test.cc
  DEPS jitwg_ctl_gateway)
jitwg_test(ctl_gateway_interface_test
  SOURCES gateway/interface_test.cc
  ONE_THREAD DEPS jitwg_ctl_gateway jitwg_device_contract LABELS integration)
