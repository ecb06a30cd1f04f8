import ArgumentParser
import CEdit
print("cashup")
