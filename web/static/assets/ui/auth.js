// The page before a login: log in, or create an account.

import { byId } from "./dom.js";
import { clearErrors, onSubmit } from "./forms.js";

export class AuthView {
  #root = byId("auth");
  #login = byId("login-form");
  #register = byId("register-form");
  #note = byId("auth-note");

  /**
   * @param {object} handlers
   * @param {(values: {login: string, password: string}) => Promise<void>} handlers.onLogin
   * @param {(values: {username: string, email: string, password: string}) => Promise<void>} handlers.onRegister
   */
  constructor({ onLogin, onRegister }) {
    onSubmit(this.#login, onLogin);
    onSubmit(this.#register, onRegister);
    byId("to-register").addEventListener("click", () => this.#choose(this.#register));
    byId("to-login").addEventListener("click", () => this.#choose(this.#login));
  }

  /** @param {boolean} invited whether the address is an invite */
  show(invited) {
    this.#note.hidden = !invited;
    if (!this.#root.hidden) return;
    this.#root.hidden = false;
    this.#choose(this.#login);
  }

  hide() {
    this.#root.hidden = true;
    this.#login.reset();
    this.#register.reset();
  }

  #choose(form) {
    for (const other of [this.#login, this.#register]) {
      other.hidden = other !== form;
      clearErrors(other);
    }
    form.querySelector("input").focus();
  }
}
